// A log of events as it comes from Python, who is where after how many of them, and the words
// for it. helpers/foundations/events and replay_bytes.py say the same; tests compare the two.

const ARRAYS = {
  f8: Float64Array, f4: Float32Array, i4: Int32Array, i2: Int16Array, i1: Int8Array,
};
export const ACTS = { COMES: 0, SETS_OUT: 1, ENDS: 2, SAYS: 3, WARNS: 4 };
export const NOWHERE = -1;

/** Columns as typed arrays; `about` says where in the bytes each one is. */
export function decode(about, bytes) {
  // A message's bytes may begin anywhere in their buffer, and a Float64Array may not.
  const view = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
  const buffer = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
  const log = { ...about, n: about.events };
  for (const [name, kind, offset] of about.columns) {
    log[name] = kind === 'constant'
      ? new Float64Array(about.events).fill(offset)
      : new ARRAYS[kind](buffer, offset, about.events);
  }
  log.curves = about.curves.map((curve) => ({
    ...curve,
    times: new Float64Array(buffer, curve.times, curve.n),
    values: new Float64Array(buffer, curve.values, curve.n),
  }));
  log.first = about.from_s;
  log.last = about.until_s;
  return log;
}

/** What a token is called. */
export function called(log, token) {
  const name = log.tokens[token];
  return typeof name === 'string' ? name : `${log.noun} ${name}`;
}

/** What happened at an event, in words, as Log.told in Python says it. */
export function told(log, row) {
  const what = log.words[log.what[row]];
  const why = log.words[log.why[row]];
  if (log.token[row] < 0) return `${log.places[log.place[row]].name}: ${what || 'as before'}`;
  return `${called(log, log.token[row])} ${what}${why ? `: ${why}` : ''}`;
}

/** How many of the ascending `times` are at or before `time`. */
export function upTo(times, time, n = times.length) {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1; else high = middle;
  }
  return low;
}

/** Who is where after the first `done` events. */
export class Scene {
  constructor(log) {
    this.log = log;
    this.reset();
  }

  reset() {
    const { log } = this;
    this.done = 0;
    this.tokens = new Map(); // those that have begun and not ended: token -> {place, slot, ...}
    this.inside = log.places.map(() => []); // in the order in which they came
    this.came = new Int32Array(log.places.length);
    this.sent = new Int32Array(log.places.length);
    this.says = log.places.map(() => ({ words: '', bad: false }));
    this.ended = []; // {row, way}, the latest last; those lost on the way are seen where they were
    this.failed = 0;
    this.reasons = new Map();
  }

  /** Go to just after the first `done` events, forwards or back. */
  goTo(done) {
    if (done < this.done) this.reset();
    while (this.done < done) this.apply(this.done);
    return this;
  }

  apply(row) {
    const { log } = this;
    const [token, act, place] = [log.token[row], log.act[row], log.place[row]];
    this.done = row + 1;
    if (token < 0) {
      this.says[place] = { words: log.words[log.what[row]], bad: act === ACTS.WARNS };
      return;
    }
    const before = this.tokens.get(token);
    if (before && before.place !== NOWHERE) {
      const line = this.inside[before.place];
      line.splice(line.indexOf(token), 1);
      if (before.place !== place) this.sent[before.place] += 1;
    } else if (!before && log.start[row] !== place) {
      this.sent[log.start[row]] += 1;
    }
    const why = log.why[row];
    if (why) {
      this.failed += 1;
      this.reasons.set(why, (this.reasons.get(why) || 0) + 1);
    }
    const way = act === ACTS.SETS_OUT
      ? { row, start: log.start[row], place, from: log.time_s[row], lasts: log.lasts_s[row] }
      : null;
    if (act === ACTS.ENDS) {
      this.tokens.delete(token);
      this.ended.push({ row, way: before ? before.way : null });
      if (place !== NOWHERE) this.came[place] += 1;
      return;
    }
    const state = { place: way ? NOWHERE : place, slot: log.slot[row], kind: log.kind[row], why,
      way, row };
    this.tokens.set(token, state);
    if (!way) {
      this.inside[place].push(token);
      this.came[place] += 1;
    }
  }
}

/** The largest number of tokens that are in each place at once, and the highest slot plus one. */
export function crowds(log) {
  const inside = new Int32Array(log.places.length);
  const where = new Map();
  const most = log.places.map(() => 1);
  for (let row = 0; row < log.n; row += 1) {
    const token = log.token[row];
    if (token >= 0) {
      if (where.has(token)) inside[where.get(token)] -= 1;
      where.delete(token);
      if (log.act[row] === ACTS.COMES) {
        const place = log.place[row];
        where.set(token, place);
        inside[place] += 1;
        most[place] = Math.max(most[place], inside[place], log.slot[row] + 1);
      }
    }
  }
  return most;
}

/** A time of the log, as Clock.shows in Python tells it. */
export function clock(log, seconds) {
  const { unit, size_s: size, decimals } = log.clock;
  const shown = (seconds / size || 0).toLocaleString('en', { // a minus zero would show its sign
    minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });
  return `${shown} ${unit}`;
}

/** A number in three significant digits, without an exponent. */
export function short(value) {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(digits, 8) });
}

/** A whole number, its thousands grouped. */
export function number(count) {
  return count.toLocaleString('en');
}

const UNITS = [['days', 86400], ['h', 3600], ['min', 60], ['s', 1], ['ms', 1e-3], ['µs', 1e-6],
  ['ns', 1e-9]];

/** A length of time in the unit that a person would use. */
export function length(seconds) {
  const [unit, size] = UNITS.find(([, s]) => seconds >= s * (1 - 1e-9)) || UNITS[6];
  return `${short(seconds / size)} ${unit}`;
}

/** What a place holds now, in a word or two. */
export function caption(scene, index) {
  const place = scene.log.places[index];
  const inside = scene.inside[index].length;
  switch (place.kind) {
    case 'queue': return `${number(inside)} waiting`;
    case 'servers': return place.number > 1 ? `${number(inside)} of ${number(place.number)} busy`
      : inside ? 'busy' : 'idle';
    case 'sink': return `${number(scene.came[index])} so far`;
    case 'source': return inside ? `${number(inside)} here` : `${number(scene.sent[index])} sent`;
    default: return `${number(inside)} here`;
  }
}

/** Everything that is to be seen, in a sentence. */
export function sentence(scene, time) {
  const { log } = scene;
  const parts = log.places.map((place, index) => {
    const { words } = scene.says[index];
    return `${place.name}: ${caption(scene, index)}${words ? `, ${words}` : ''}`;
  });
  const failed = scene.failed ? `; ${scene.failed} failed` : '';
  return `${log.title}, at ${clock(log, time)}. ${parts.join('; ')}${failed}.`;
}

/** Failures so far by reason, the most frequent first. */
export function reasons(scene) {
  const counted = [...scene.reasons].sort((a, b) => b[1] - a[1]);
  return counted.map(([why, count]) => [scene.log.words[why], count]);
}

/** Rows of the log that a table shows: all of them, the failures, or those of one token. */
export function filtered(log, which, token) {
  const rows = [];
  for (let row = log.opening; row < log.n; row += 1) {
    if (which === 'all' || (which === 'failed' && log.why[row])
      || (which === 'one' && log.token[row] === token)) rows.push(row);
  }
  return rows;
}
