// Plays a simulation's own log of events. Nothing in it is invented: a dot is a token of the log,
// and where it stands follows from the log's rows alone. What decides that (decode, Scene, layout,
// places of dots) knows no page and is tested by itself; `mount` puts it on a page, and the default
// export is what anywidget asks for.

// ---------------------------------------------------------------- the log

const ARRAYS = {
  f8: Float64Array, f4: Float32Array, i4: Int32Array, i2: Int16Array, i1: Int8Array,
};
export const ACTS = { COMES: 0, SETS_OUT: 1, ENDS: 2, SAYS: 3, WARNS: 4 };
const NOWHERE = -1;

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

// ---------------------------------------------------------------- who is where

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
    const state = { place: way ? NOWHERE : place, slot: log.slot[row], kind: log.kind[row], why, way,
      row };
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

// ---------------------------------------------------------------- where that is

const ROW = 132; // height of a row of places
const CURVE = 76; // height of a curve
const EDGE = 12;

/** Where everything is, in CSS pixels: places as boxes, or as lines along which time passes. */
export function layout(log, width, most = crowds(log)) {
  return log.view === 'space-time' ? lifelines(log, width) : boxesAndArrows(log, width, most);
}

function stripsBelow(log, width, top) {
  return log.curves.map((curve, index) => ({
    x: EDGE + 44, y: top + index * CURVE + 16, w: width - 2 * EDGE - 44, h: CURVE - 26,
  }));
}

/** Boxes for the places, arrows between them, strips for the curves. */
function boxesAndArrows(log, width, most) {
  const columns = Math.max(...log.places.map((place) => place.column)) + 1;
  const rows = Math.max(...log.places.map((place) => place.row)) + 1;
  const cell = (width - 2 * EDGE) / columns;
  const boxes = log.places.map((place, index) => {
    const small = place.kind === 'source' || place.kind === 'sink';
    const w = Math.max(40, Math.min(cell - (columns > 1 ? 26 : 0), small ? 92 : 190));
    const h = 62;
    const x = EDGE + (place.column + 0.5) * cell - w / 2;
    const y = EDGE + 18 + place.row * ROW;
    return { ...place, index, x, y, w, h, grid: grid(place, w, h, most[index]) };
  });
  const pairs = new Set();
  for (let row = 0; row < log.n; row += 1) {
    const [from, to] = [log.start[row], log.place[row]];
    if (log.token[row] >= 0 && from !== to && from >= 0 && to >= 0) pairs.add(from * 1000 + to);
  }
  const top = EDGE + rows * ROW;
  return {
    width,
    height: top + log.curves.length * CURVE + (log.curves.length ? 18 : 0),
    boxes,
    arrows: [...pairs].map((pair) => route(boxes, boxes[Math.floor(pair / 1000)],
      boxes[pair % 1000])),
    strips: stripsBelow(log, width, top),
  };
}

const LABELS = 110; // room for the names of lifelines
const LIFELINE = 58;

/** A line for each place, in the order of their rows; time goes to the right. */
function lifelines(log, width) {
  const order = log.places.map((_, index) => index)
    .sort((a, b) => log.places[a].row - log.places[b].row || a - b);
  const lines = [];
  order.forEach((index, rank) => { lines[index] = EDGE + 28 + rank * LIFELINE; });
  const top = EDGE + 28 + log.places.length * LIFELINE - 20;
  return {
    width,
    height: top + log.curves.length * CURVE + (log.curves.length ? 18 : 0),
    boxes: [],
    arrows: [],
    lines,
    x: LABELS,
    w: width - LABELS - 24,
    strips: stripsBelow(log, width, top),
  };
}

/** How many columns and rows of dots a box has room for, and how far apart they are. */
export function grid(place, w, h, most) {
  if (place.kind === 'servers') {
    let best = { pitch: 0 };
    for (let rows = 1; rows <= place.number; rows += 1) {
      const columns = Math.ceil(place.number / rows);
      const pitch = Math.min((w - 8) / columns, (h - 6) / rows, 26);
      if (pitch > best.pitch) best = { columns, rows, pitch };
    }
    return best;
  }
  for (let pitch = 13; ; pitch -= 0.5) {
    const columns = Math.max(1, Math.floor((w - 8) / pitch));
    const rows = Math.max(1, Math.floor((h - 6) / pitch));
    if (columns * rows >= most || pitch <= 3) {
      const needed = place.kind === 'queue' ? Math.ceil(most / columns) : rows;
      return { columns, rows: Math.max(1, Math.min(rows, needed)), pitch };
    }
  }
}

/** Where in its box a token is: `rank` counts from the front of a queue, `slot` is its room. */
export function spot(box, rank, slot) {
  const { columns, rows, pitch } = box.grid;
  const [middle, centre] = [box.x + box.w / 2, box.y + box.h / 2];
  if (box.kind === 'sink') return [middle, centre];
  const at = box.kind === 'queue' ? rank : Math.max(slot, 0);
  const most = columns * rows;
  const place = box.kind === 'queue' ? Math.min(at, most - 1) : at % most;
  const up = (row) => centre + (row - (rows - 1) / 2) * pitch;
  if (box.kind === 'queue') { // the front is at the right, where the servers are
    return [box.x + box.w - 4 - (Math.floor(place / rows) + 0.5) * pitch, up(place % rows)];
  }
  const across = Math.floor(place / rows);
  if (box.kind === 'servers') {
    return [middle + (across - (columns - 1) / 2) * pitch, up(place % rows)];
  }
  return [box.x + 4 + (across + 0.5) * pitch, up(place % rows)];
}

function centre(box) {
  return [box.x + box.w / 2, box.y + box.h / 2];
}

/** Ends of an arrow from one box to another, at their edges. */
export function arrow(from, to) {
  const [a, b] = [centre(from), centre(to)];
  const cut = (box, [x, y], [dx, dy]) => {
    const share = Math.min(
      dx ? (box.w / 2 + 3) / Math.abs(dx) : Infinity, dy ? (box.h / 2 + 3) / Math.abs(dy) : Infinity,
    );
    return [x + dx * share, y + dy * share];
  };
  const way = [b[0] - a[0], b[1] - a[1]];
  return [cut(from, a, way), cut(to, b, [-way[0], -way[1]])];
}

/**
 * The corners of an arrow between two boxes: straight, or below the boxes in between.
 */
export function route(boxes, from, to) {
  const between = boxes.some((box) => box.row === from.row && box.row === to.row
    && (box.column - from.column) * (box.column - to.column) < 0);
  if (!between) return arrow(from, to);
  const side = Math.sign(to.x - from.x);
  const [x, u] = [from.x + (0.5 + 0.42 * side) * from.w, to.x + (0.5 - 0.42 * side) * to.w];
  const deep = from.y + from.h + 40;
  return [[x, from.y + from.h + 3], [x, deep], [u, deep], [u, to.y + to.h + 3]];
}

/** How far a token on its way has got, 0 to 1. */
export function progress(way, time) {
  return Math.max(0, Math.min(1, (time - way.from) / way.lasts));
}

const FADES_S = 0.8; // on the screen
const FAILURE_STAYS_S = 2.5;

/**
 * Every dot that is to be seen at a time: {token, x, y, from, kind, why, fade}.
 *
 * `pace` is seconds of the simulation for a second on the screen; what has ended fades with it.
 */
export function dots(scene, plan, time, pace) {
  const { log } = scene;
  const { boxes } = plan;
  const found = [];
  scene.inside.forEach((line, index) => {
    line.forEach((token, rank) => {
      const state = scene.tokens.get(token);
      const [x, y] = spot(boxes[index], rank, state.slot);
      found.push({ token, x, y, row: state.row, kind: state.kind, why: state.why, fade: 1,
        from: centre(boxes[log.start[state.row]]), size: boxes[index].grid.pitch });
    });
  });
  for (const [token, state] of scene.tokens) {
    if (!state.way) continue;
    const [x, y] = between(boxes, state.way, time);
    found.push({ token, x, y, row: state.row, kind: state.kind, why: state.why, fade: 1,
      from: centre(boxes[state.way.start]), size: 13, onItsWay: true });
  }
  for (let i = scene.ended.length - 1; i >= 0; i -= 1) {
    const { row, way } = scene.ended[i];
    const token = log.token[row];
    const stays = log.why[row] ? FAILURE_STAYS_S : FADES_S;
    const age = (time - log.time_s[row]) / pace / stays;
    if ((time - log.time_s[row]) / pace > FAILURE_STAYS_S) break;
    if (age > 1 || scene.tokens.has(token)) continue;
    const place = log.place[row];
    let at;
    if (place === NOWHERE) {
      if (!way) continue;
      at = between(boxes, way, log.time_s[row]);
    } else if (log.places[place].kind === 'sink') {
      at = centre(boxes[place]);
    } else { // at the door
      at = [boxes[place].x + boxes[place].w / 2, boxes[place].y + boxes[place].h];
    }
    found.push({ token, x: at[0], y: at[1], row, kind: log.kind[row], why: log.why[row],
      fade: 1 - Math.max(0, age), from: centre(boxes[Math.max(0, log.start[row])]), size: 13,
      ended: true });
  }
  return found;
}

function between(boxes, way, time) {
  const [a, b] = arrow(boxes[way.start], boxes[way.place]);
  const share = progress(way, time);
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
}

// ---------------------------------------------------------------- time and words

/** A time of the log, as Clock.shows in Python tells it. */
export function clock(log, seconds) {
  const { unit, size_s: size, decimals } = log.clock;
  const shown = (seconds / size).toLocaleString('en', {
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

// ---------------------------------------------------------------- colours

const LIGHT = {
  ink: '#1f2328', muted: '#59636e', faint: '#d8dee4', box: '#f6f8fa', edge: '#8c959f',
  blue: '#0072B2', vermilion: '#D55E00', green: '#009E73', purple: '#CC79A7', orange: '#E69F00',
  sky: '#56B4E9', black: '#000000', bad: '#B34700', paper: '#ffffff',
};
const DARK = {
  ink: '#e6e6e6', muted: '#a9b1ba', faint: '#3a4048', box: '#22272e', edge: '#7d8590',
  blue: '#5AB4E8', vermilion: '#FF8A4C', green: '#2CC79B', purple: '#E3A3C7', orange: '#F0B43C',
  sky: '#9AD4F5', black: '#ffffff', bad: '#FF9D66', paper: '#111111',
};

/** Whether what stands behind an element is dark, whoever made it so. */
export function isDark(element) {
  for (let node = element; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor.match(/[\d.]+/g);
    if (colour && (colour.length < 4 || Number(colour[3]) > 0.5)) {
      const [red, green, blue] = colour.map(Number);
      return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
    }
  }
  return false;
}

// ---------------------------------------------------------------- drawing

const SHAPES = [
  (pen, x, y, r) => pen.arc(x, y, r, 0, 2 * Math.PI),
  (pen, x, y, r) => pen.rect(x - 0.86 * r, y - 0.86 * r, 1.72 * r, 1.72 * r),
  (pen, x, y, r) => {
    pen.moveTo(x, y - 1.2 * r); pen.lineTo(x + 1.1 * r, y + 0.8 * r);
    pen.lineTo(x - 1.1 * r, y + 0.8 * r); pen.closePath();
  },
  (pen, x, y, r) => {
    pen.moveTo(x, y - 1.25 * r); pen.lineTo(x + 1.25 * r, y); pen.lineTo(x, y + 1.25 * r);
    pen.lineTo(x - 1.25 * r, y); pen.closePath();
  },
];
const FONT = '"DejaVu Sans", system-ui, sans-serif';

function shape(pen, kind, x, y, r) {
  pen.beginPath();
  SHAPES[kind % SHAPES.length](pen, x, y, r);
}

function cross(pen, x, y, r) {
  pen.beginPath();
  pen.moveTo(x - r, y - r); pen.lineTo(x + r, y + r);
  pen.moveTo(x + r, y - r); pen.lineTo(x - r, y + r);
  pen.stroke();
}

/** Write a text within a width, ending in "…" where it would not fit. */
function write(pen, text, x, y, room) {
  let shown = text;
  while (shown.length > 1 && pen.measureText(shown).width > room) {
    shown = `${shown.slice(0, shown.endsWith('…') ? -2 : -1)}…`;
  }
  pen.fillText(shown, x, y);
}

function drawArrow(pen, corners) {
  const [[x, y], [u, v]] = corners.slice(-2);
  const turn = Math.atan2(v - y, u - x);
  pen.beginPath();
  pen.moveTo(...corners[0]);
  for (const corner of corners.slice(1, -1)) pen.lineTo(...corner);
  pen.lineTo(u - 5 * Math.cos(turn), v - 5 * Math.sin(turn));
  pen.stroke();
  pen.beginPath();
  pen.moveTo(u, v);
  for (const side of [0.4, -0.4]) {
    pen.lineTo(u - 8 * Math.cos(turn + side), v - 8 * Math.sin(turn + side));
  }
  pen.fill();
}

function drawPlaces(pen, scene, plan, paint) {
  pen.lineWidth = 1.2;
  pen.strokeStyle = paint.edge;
  pen.fillStyle = paint.edge;
  for (const corners of plan.arrows) drawArrow(pen, corners);
  plan.boxes.forEach((box, index) => {
    const { words, bad } = scene.says[index];
    const round = box.kind === 'source' || box.kind === 'sink' ? box.h / 2 : 6;
    pen.fillStyle = paint.box;
    pen.strokeStyle = bad ? paint.vermilion : paint.edge;
    pen.lineWidth = bad ? 2.4 : 1.2;
    pen.beginPath();
    pen.roundRect(box.x, box.y, box.w, box.h, round);
    pen.fill();
    pen.stroke();
    if (box.kind === 'servers') {
      pen.strokeStyle = paint.edge;
      pen.lineWidth = 1;
      for (let slot = 0; slot < box.number; slot += 1) {
        const [x, y] = spot(box, 0, slot);
        pen.beginPath();
        pen.arc(x, y, 0.4 * box.grid.pitch, 0, 2 * Math.PI);
        pen.stroke();
      }
    }
    pen.textAlign = 'center';
    pen.textBaseline = 'alphabetic';
    const [middle, room] = [box.x + box.w / 2, box.w + 18];
    pen.font = `600 12px ${FONT}`;
    pen.fillStyle = paint.ink;
    write(pen, box.name, middle, box.y - 6, room);
    pen.font = `12px ${FONT}`;
    pen.fillStyle = paint.muted;
    write(pen, caption(scene, index), middle, box.y + box.h + 15, room);
    if (words) {
      pen.font = `600 12px ${FONT}`;
      pen.fillStyle = bad ? paint.bad : paint.ink;
      write(pen, words, middle, box.y + box.h + 30, room + 40);
    }
  });
}

function drawCurves(pen, scene, plan, time, paint) {
  const { log } = scene;
  const share = (moment) => (moment - log.first) / Math.max(log.last - log.first, 1e-12);
  log.curves.forEach((curve, index) => {
    const { x, y, w, h } = plan.strips[index];
    const { top, bottom } = curve;
    const at = (value) => y + h - ((value - bottom) / (top - bottom)) * h;
    pen.lineWidth = 1;
    pen.strokeStyle = paint.faint;
    pen.beginPath();
    pen.moveTo(x, y); pen.lineTo(x + w, y);
    pen.moveTo(x, y + h); pen.lineTo(x + w, y + h);
    pen.stroke();
    pen.font = `11px ${FONT}`;
    pen.fillStyle = paint.muted;
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    pen.fillText(short(top), x - 6, y);
    pen.fillText(short(bottom), x - 6, y + h);
    if (curve.level !== null) {
      pen.strokeStyle = paint.black;
      pen.lineWidth = 1.4;
      pen.setLineDash([5, 3]);
      pen.beginPath();
      pen.moveTo(x, at(curve.level)); pen.lineTo(x + w, at(curve.level));
      pen.stroke();
      pen.setLineDash([]);
      pen.textBaseline = 'bottom';
      pen.fillStyle = paint.ink;
      pen.fillText(`${curve.level_words} ${short(curve.level)}`, x + w, at(curve.level) - 1);
    }
    const many = upTo(curve.times, time);
    pen.strokeStyle = paint.blue;
    pen.lineWidth = 1.8;
    pen.beginPath();
    let height = at(curve.values[0]);
    for (let i = 0; i < many; i += 1) {
      const right = x + w * share(curve.times[i]);
      if (i === 0) pen.moveTo(right, at(curve.values[0])); else pen.lineTo(right, height);
      height = at(curve.values[i]);
      pen.lineTo(right, height);
    }
    const now = x + w * share(time);
    if (many) pen.lineTo(now, height);
    pen.stroke();
    pen.strokeStyle = paint.muted;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(now, y); pen.lineTo(now, y + h);
    pen.stroke();
    pen.textAlign = 'left';
    pen.textBaseline = 'bottom';
    pen.font = `600 12px ${FONT}`;
    pen.fillStyle = paint.ink;
    const value = many ? `: ${short(curve.values[many - 1])}${curve.unit && ` ${curve.unit}`}` : '';
    write(pen, `${curve.name}${value}`, x, y - 2, 0.75 * w);
  });
  const last = plan.strips[plan.strips.length - 1];
  if (last) {
    pen.font = `11px ${FONT}`;
    pen.fillStyle = paint.muted;
    pen.textBaseline = 'top';
    pen.textAlign = 'left';
    pen.fillText(clock(log, log.first), last.x, last.y + last.h + 4);
    pen.textAlign = 'right';
    pen.fillText(clock(log, log.last), last.x + last.w, last.y + last.h + 4);
  }
}

function drawDots(pen, shown, kinds, paint, followed) {
  for (const dot of shown) {
    const r = Math.max(1.4, Math.min(5.2, 0.42 * dot.size));
    pen.globalAlpha = dot.fade;
    if (dot.why && dot.ended) {
      pen.strokeStyle = paint.vermilion;
      pen.lineWidth = 2.4;
      cross(pen, dot.x, dot.y, 0.9 * r + 0.6);
    } else {
      pen.fillStyle = paint[kinds[dot.kind].colour];
      shape(pen, dot.kind, dot.x, dot.y, r);
      pen.fill();
      if (dot.why) {
        pen.strokeStyle = paint.vermilion;
        pen.lineWidth = 2;
        shape(pen, dot.kind, dot.x, dot.y, r + 1.5);
        pen.stroke();
      }
    }
    if (dot.token === followed) {
      pen.strokeStyle = paint.ink;
      pen.lineWidth = 1.6;
      pen.beginPath();
      pen.arc(dot.x, dot.y, r + 4, 0, 2 * Math.PI);
      pen.stroke();
    }
  }
  pen.globalAlpha = 1;
}

/** Say below the place, or beside the dot, why the latest failure failed. */
function drawReason(pen, scene, shown, plan, time, pace, paint) {
  const { log } = scene;
  const latest = shown.filter((dot) => dot.why && (dot.row === scene.done - 1
    || (time - log.time_s[dot.row]) / pace < FAILURE_STAYS_S)).sort((a, b) => b.row - a.row)[0];
  if (!latest) return;
  pen.font = `600 12px ${FONT}`;
  pen.textBaseline = 'middle';
  pen.textAlign = 'left';
  const text = log.words[latest.why];
  const wide = pen.measureText(text).width;
  const place = log.place[latest.row];
  let [x, y] = [latest.x + 10, latest.y];
  if (place !== NOWHERE) {
    const box = plan.boxes[place];
    [x, y] = [box.x + (box.w - wide) / 2, box.y + box.h + (scene.says[place].words ? 41 : 27)];
  }
  x = Math.min(Math.max(x, 4), plan.width - wide - 4);
  pen.globalAlpha = 0.85;
  pen.fillStyle = paint.paper;
  pen.fillRect(x - 3, y - 8, wide + 6, 16);
  pen.globalAlpha = 1;
  pen.fillStyle = paint.bad;
  pen.fillText(text, x, y);
}

const NAMED = 40; // messages; more of them have no room for their names

/** Messages between lines along which time passes; return the dots of those on their way. */
function drawSpaceTime(pen, scene, plan, time, paint, followed) {
  const { log } = scene;
  const at = (moment) => plan.x + (plan.w * (moment - log.first)) / (log.last - log.first || 1);
  pen.textBaseline = 'middle';
  log.places.forEach((place, index) => {
    const y = plan.lines[index];
    pen.strokeStyle = paint.edge;
    pen.lineWidth = 1.2;
    pen.beginPath();
    pen.moveTo(plan.x, y); pen.lineTo(plan.x + plan.w, y);
    pen.stroke();
    pen.font = `600 12px ${FONT}`;
    pen.textAlign = 'right';
    pen.fillStyle = paint.ink;
    write(pen, place.name, plan.x - 8, y, LABELS - 12);
  });
  pen.strokeStyle = paint.muted;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(at(time), plan.lines[0] - 24);
  pen.lineTo(at(time), Math.max(...plan.lines) + 14);
  pen.stroke();
  let sent = 0;
  for (let row = 0; row < log.n; row += 1) sent += log.act[row] === ACTS.SETS_OUT;
  const ways = new Map();
  const heads = [];
  for (let row = 0; row < scene.done; row += 1) {
    const [token, act, place, start] = [log.token[row], log.act[row], log.place[row],
      log.start[row]];
    const now = log.time_s[row];
    const colour = paint[log.kinds[log.kind[row]].colour];
    if (token < 0) {
      drawWords(pen, log.words[log.what[row]], at(now), plan.lines[place], plan,
        act === ACTS.WARNS ? paint.bad : paint.ink);
    } else if (act === ACTS.SETS_OUT) {
      const way = { from: now, lasts: log.lasts_s[row] };
      const [a, b] = [[at(now), plan.lines[start]], [at(now + way.lasts), plan.lines[place]]];
      const share = progress(way, time);
      const tip = [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
      ways.set(token, tip);
      pen.strokeStyle = colour;
      pen.fillStyle = colour;
      pen.lineWidth = token === followed ? 3 : 1.8;
      const arrived = scene.tokens.get(token)?.row !== row;
      const lost = arrived && scene.ended.some((end) => end.way && end.way.row === row);
      if (arrived && !lost) {
        drawArrow(pen, [a, b]);
      } else {
        pen.beginPath();
        pen.moveTo(...a); pen.lineTo(...tip);
        pen.stroke();
      }
      if (!arrived) {
        heads.push({ token, x: tip[0], y: tip[1], row, kind: log.kind[row], why: 0, fade: 1,
          size: 13 });
      }
      if (sent <= NAMED) {
        drawAlong(pen, called(log, token), a, tip, colour);
      }
    } else if (log.why[row]) {
      const [x, y] = place === NOWHERE ? ways.get(token) : [at(now), plan.lines[place]];
      pen.strokeStyle = paint.vermilion;
      pen.lineWidth = 2.4;
      cross(pen, x, y, 5);
      pen.font = `600 11px ${FONT}`;
      pen.fillStyle = paint.bad;
      pen.textAlign = x > plan.x + 0.6 * plan.w ? 'right' : 'left';
      pen.textBaseline = 'middle';
      pen.fillText(log.words[log.why[row]], x + (pen.textAlign === 'left' ? 9 : -9), y);
    } else if (place !== NOWHERE && start !== place && !ways.has(token)) {
      pen.strokeStyle = colour;
      pen.fillStyle = colour;
      pen.lineWidth = 1.8;
      drawArrow(pen, [[at(now), plan.lines[start]], [at(now), plan.lines[place]]]);
    }
  }
  return heads;
}

/** Write what a place says of itself above its line. */
function drawWords(pen, words, x, y, plan, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, 3.5, 0, 2 * Math.PI);
  pen.fill();
  pen.font = `600 11px ${FONT}`;
  pen.textBaseline = 'bottom';
  const wide = pen.measureText(words).width;
  pen.textAlign = 'left';
  pen.fillText(words, Math.min(x + 4, plan.x + plan.w + 20 - wide), y - 3);
}

/** Write along a line, a little beside it. */
function drawAlong(pen, words, [x, y], [u, v], colour) {
  pen.font = `11px ${FONT}`;
  if (pen.measureText(words).width > Math.hypot(u - x, v - y) - 10) return;
  pen.save();
  pen.translate((x + u) / 2, (y + v) / 2);
  pen.rotate(Math.atan2(v - y, u - x));
  pen.textAlign = 'center';
  pen.textBaseline = 'bottom';
  pen.fillStyle = colour;
  pen.fillText(words, 0, -2);
  pen.restore();
}

// ---------------------------------------------------------------- the page

const SPEEDS = [0.125, 0.25, 0.5, 1, 2, 4, 8];
const PAGE = 50;
const GLIDE_S = 0.08; // a dot has gone two thirds of its way after this long
const STEP_S = 0.9; // between two events, where nothing may move

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'class') element.className = value;
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Say whether a button does something now; one that does not keeps the focus it has. */
function allow(button, can) {
  button.setAttribute('aria-disabled', String(!can));
}

/**
 * Put a replay into an element.
 *
 * Returns {show, destroy, player}: `show(about, bytes)` plays another log in its place.
 */
export function mount(el, about, bytes) {
  const player = new Player(el);
  player.show(about, bytes);
  return {
    player,
    show: (nextAbout, nextBytes) => player.show(nextAbout, nextBytes),
    destroy: () => player.destroy(),
  };
}

class Player {
  constructor(el) {
    this.el = el;
    this.playing = false;
    this.followed = null;
    this.drawn = new Map(); // token -> where its dot is on the screen
    this.frames = []; // how long the last frames took, for whoever measures
    this.calm = window.matchMedia('(prefers-reduced-motion: reduce)');
    this.steps = this.calm.matches;
    this.build();
    this.listen();
  }

  build() {
    const button = (words, sign, act) => make(
      'button', { type: 'button', class: 'sdr-button', title: words, 'aria-label': words,
        onclick: act }, sign,
    );
    this.canvas = make('canvas', { class: 'sdr-canvas', role: 'img' });
    this.stage = make('div', { class: 'sdr-stage', tabindex: '0', role: 'group' }, this.canvas);
    this.playButton = button('Play', '', () => this.toggle());
    this.scrubber = make('input', { type: 'range', class: 'sdr-scrubber', min: '0', max: '10000',
      step: 'any', value: '0', 'aria-label': 'Time' });
    this.time = make('span', { class: 'sdr-time' });
    this.speed = make('select', { class: 'sdr-select', 'aria-label': 'Speed' });
    this.steady = make('input', { type: 'checkbox' });
    this.steady.checked = this.steps;
    this.now = make('p', { class: 'sdr-now' });
    this.failures = make('p', { class: 'sdr-failures' });
    this.legend = make('p', { class: 'sdr-legend' });
    this.live = make('div', { class: 'sdr-hidden', 'aria-live': 'polite' });
    this.which = make('select', { class: 'sdr-select', 'aria-label': 'Show in the table' });
    this.body = make('tbody');
    this.caption = make('caption');
    this.table = make('details', { class: 'sdr-details' },
      make('summary', {}, 'Table of events'),
      make('div', { class: 'sdr-row' },
        make('label', {}, 'Show ', this.which),
        this.earlier = button('Earlier events', '◂ Earlier', () => this.turn(-1)),
        this.later = button('Later events', 'Later ▸', () => this.turn(1))),
      make('div', { class: 'sdr-table', tabindex: '0', role: 'region', 'aria-label': 'Events' },
        make('table', {}, this.caption,
          make('thead', {}, make('tr', {}, ...['Event', 'Time', 'Who', 'What happened', 'Why it failed']
            .map((title) => make('th', { scope: 'col' }, title)))),
          this.body)));
    this.root = make('div', { class: 'sdr' },
      this.title = make('div', { class: 'sdr-title' }),
      this.stage,
      make('div', { class: 'sdr-row' },
        button('Back to the start', '|◂', () => this.seek(this.log.opening)),
        this.back = button('One event back', '◂ Event', () => this.step(-1)),
        this.playButton,
        this.forth = button('One event forwards', 'Event ▸', () => this.step(1)),
        this.scrubber, this.time),
      make('div', { class: 'sdr-row' },
        make('label', {}, 'Speed ', this.speed),
        make('label', {}, this.steady, ' Steps instead of motion'),
        make('span', { class: 'sdr-keys' }, 'Keys: space plays, ← and → go one event')),
      this.now, this.failures, this.legend, this.live, this.table);
    this.el.replaceChildren(this.root);
  }

  listen() {
    this.ending = new AbortController();
    const on = (target, name, act) => target.addEventListener(name, act,
      { signal: this.ending.signal });
    // JupyterLab listens at the document, before whatever is in it: so this listens before that.
    window.addEventListener('keydown', (event) => this.key(event),
      { signal: this.ending.signal, capture: true });
    on(this.scrubber, 'input', () => {
      this.pause();
      const share = Number(this.scrubber.value) / 10000;
      this.seekTime(this.log.first + share * (this.log.last - this.log.first));
    });
    on(this.speed, 'change', () => this.draw());
    on(this.steady, 'change', () => { this.steps = this.steady.checked; this.draw(); });
    on(this.calm, 'change', () => {
      this.steps = this.calm.matches;
      this.steady.checked = this.steps;
    });
    on(this.which, 'change', () => { this.page = 0; this.filter(); });
    on(this.table, 'toggle', () => this.filter());
    on(this.canvas, 'click', (event) => this.pick(event));
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.stage);
    this.themed = new MutationObserver(() => this.draw());
    for (const node of [document.documentElement, document.body]) {
      this.themed.observe(node, { attributes: true });
    }
  }

  destroy() {
    this.pause();
    cancelAnimationFrame(this.frame);
    this.ending.abort();
    this.resized.disconnect();
    this.themed.disconnect();
    this.el.replaceChildren();
  }

  /** Take a log, from its beginning; go on playing if another one was playing. */
  show(about, bytes) {
    const { playing } = this;
    this.pause();
    const log = decode(about, bytes);
    Object.assign(this, { log, scene: new Scene(log), most: crowds(log), drawn: new Map() });
    this.scene.goTo(log.opening);
    this.moment = log.first;
    this.followed = null;
    this.page = 0;
    this.pace = log.pace_s;
    this.title.textContent = log.title;
    this.stage.setAttribute('aria-label', `Replay: ${log.title}. Space plays, arrow keys go one `
      + 'event.');
    const chosen = this.speed.selectedIndex;
    this.speed.replaceChildren(...SPEEDS.map((times) => make('option', { value: String(times) },
      `1 s shows ${length(this.pace * times)}`)));
    this.speed.selectedIndex = chosen < 0 ? SPEEDS.indexOf(1) : chosen;
    const one = `one ${log.noun}`;
    this.which.replaceChildren(...[['all', 'all events'], ['failed', 'failures'], ['one', one]]
      .map(([value, words]) => make('option', { value }, words)));
    const kinds = log.kinds.filter((_, kind) => log.used.includes(kind));
    this.legend.replaceChildren();
    if (kinds.length > 1) {
      for (const kind of kinds) this.legend.append(this.sign(kind), ` ${kind.name} `);
    }
    this.legend.hidden = kinds.length < 2;
    this.failures.hidden = !log.why.some((why) => why);
    this.resize();
    this.say();
    this.filter();
    if (playing) this.play();
  }

  sign(kind) {
    const sign = make('canvas', { class: 'sdr-sign', width: '28', height: '28', 'aria-hidden': 'true' });
    sign.dataset.kind = String(this.log.kinds.indexOf(kind));
    return sign;
  }

  /** The number of the present event; where tokens were before the first does not count. */
  get event() {
    return this.scene.done - this.log.opening;
  }

  get events() {
    return this.log.n - this.log.opening;
  }

  get speedNow() {
    return Number(this.speed.value) * this.pace;
  }

  // Moving in time

  /** A key that was pressed in the replay, and without another one held, is the replay's alone. */
  key(event) {
    const [target] = event.composedPath();
    if (!event.composedPath().includes(this.root) || event.key === 'Tab' || event.key === 'Escape'
      || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.stopImmediatePropagation();
    if (target.closest('.sdr-details, select')) return;
    const acts = {
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      Home: () => this.seek(this.log.opening),
      End: () => this.seek(this.log.n),
    };
    // A button or a box in focus does with space what it does everywhere.
    if (target === this.stage || target === this.scrubber) acts[' '] = () => this.toggle();
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  }

  toggle() {
    if (this.playing) this.pause(); else this.play();
  }

  play() {
    if (this.moment >= this.log.last && this.scene.done === this.log.n) this.seek(this.log.opening);
    this.playing = true;
    this.live.textContent = '';
    this.showButton();
    this.before = null;
    this.rested = STEP_S;
    this.wake();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.showButton();
    this.say(true);
  }

  showButton() {
    this.playButton.textContent = this.playing ? '⏸ Pause' : '▶ Play';
    this.playButton.setAttribute('aria-label', this.playing ? 'Pause' : 'Play');
    this.playButton.title = this.playing ? 'Pause' : 'Play';
  }

  /** One event forwards or back. */
  step(by) {
    this.pause();
    this.seek(this.scene.done + by);
  }

  /** Go to just after the first `done` events. */
  seek(done) {
    const { log } = this;
    const wanted = Math.max(log.opening, Math.min(log.n, done));
    const near = Math.abs(wanted - this.scene.done) <= 1;
    this.scene.goTo(wanted);
    this.moment = wanted > log.opening ? log.time_s[wanted - 1] : log.first;
    if (!near || this.steps) this.drawn.clear();
    this.say(!this.playing);
    this.wake();
  }

  seekTime(moment) {
    this.moment = moment;
    this.scene.goTo(Math.max(this.log.opening, upTo(this.log.time_s, moment, this.log.n)));
    this.drawn.clear();
    this.say();
    this.wake();
  }

  wake() {
    if (this.frame) return;
    this.before = null;
    this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  tick(now) {
    this.frame = null;
    const passed = this.before === null ? 0 : Math.min((now - this.before) / 1000, 0.1);
    if (this.playing && this.before !== null) this.frames.push(now - this.before);
    if (this.frames.length > 2000) this.frames.splice(0, 1000);
    this.before = now;
    if (this.playing) this.advance(passed);
    const settled = this.draw(passed);
    if (this.playing || !settled) this.frame = requestAnimationFrame((next) => this.tick(next));
  }

  advance(passed) {
    const { log, scene } = this;
    if (this.steps) {
      this.rested += passed * Number(this.speed.value);
      if (this.rested >= STEP_S) {
        this.rested = 0;
        this.seek(scene.done + 1);
        if (scene.done === log.n) this.pause();
      }
      return;
    }
    this.moment = Math.min(this.moment + passed * this.speedNow, log.last);
    const done = upTo(log.time_s, this.moment, log.n);
    if (done !== scene.done) {
      scene.goTo(done);
      this.say();
    }
    this.place();
    if (this.moment >= log.last) this.pause();
  }

  // Showing it

  resize() {
    if (!this.log) return;
    const width = Math.max(280, Math.round(this.stage.clientWidth || 720));
    this.plan = layout(this.log, width, this.most);
    const sharp = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.plan.width * sharp);
    this.canvas.height = Math.round(this.plan.height * sharp);
    this.canvas.style.width = `${this.plan.width}px`;
    this.canvas.style.height = `${this.plan.height}px`;
    this.sharp = sharp;
    this.drawn.clear();
    this.draw();
  }

  /** Draw the present moment; return whether every dot is where it belongs. */
  draw(passed = 0) {
    if (!this.plan) return true;
    const dark = isDark(this.el);
    const paint = dark ? DARK : LIGHT;
    this.root.classList.toggle('sdr-dark', dark);
    const { log, scene, plan } = this;
    const pen = this.canvas.getContext('2d');
    pen.setTransform(this.sharp, 0, 0, this.sharp, 0, 0);
    pen.clearRect(0, 0, plan.width, plan.height);
    drawCurves(pen, scene, plan, this.moment, paint);
    let settled = true;
    if (plan.lines) {
      this.shown = drawSpaceTime(pen, scene, plan, this.moment, paint, this.followed);
      drawDots(pen, this.shown, log.kinds, paint, this.followed);
    } else {
      drawPlaces(pen, scene, plan, paint);
      this.shown = dots(scene, plan, this.moment, this.speedNow);
      settled = this.glide(this.shown, passed);
      drawDots(pen, this.shown, log.kinds, paint, this.followed);
      drawReason(pen, scene, this.shown, plan, this.moment, this.speedNow, paint);
    }
    if (this.painted !== paint) {
      this.painted = paint;
      for (const sign of this.legend.querySelectorAll('canvas')) {
        const kind = Number(sign.dataset.kind);
        const ink = sign.getContext('2d');
        ink.clearRect(0, 0, 28, 28);
        ink.fillStyle = paint[log.kinds[kind].colour];
        shape(ink, kind, 14, 14, 10);
        ink.fill();
      }
    }
    return settled;
  }

  /** Let each dot run after the place where it belongs. */
  glide(shown, passed) {
    const share = this.steps ? 1 : 1 - Math.exp(-passed / GLIDE_S);
    const next = new Map();
    let settled = true;
    for (const dot of shown) {
      const was = this.drawn.get(dot.token);
      let [x, y] = was || (this.drawn.size || this.playing ? dot.from : [dot.x, dot.y]);
      if (dot.onItsWay || this.steps) [x, y] = [dot.x, dot.y];
      x += share * (dot.x - x);
      y += share * (dot.y - y);
      if (Math.abs(dot.x - x) + Math.abs(dot.y - y) < 0.4) [x, y] = [dot.x, dot.y];
      else settled = false;
      next.set(dot.token, [x, y]);
      [dot.x, dot.y] = [x, y];
    }
    this.drawn = next;
    return settled;
  }

  /** Say what happened last; aloud, if somebody asked for it. */
  say(aloud = false) {
    const { log, scene } = this;
    const row = scene.done - 1;
    const none = row < log.opening;
    const said = none ? 'nothing has happened yet' : told(log, row);
    const words = `${said[0].toUpperCase()}${said.slice(1)}.`;
    this.now.textContent = `Event ${number(this.event)} of ${number(this.events)}. ${words}`;
    const listed = reasons(scene).map(([why, count]) => `${why} (${number(count)})`);
    this.failures.textContent = scene.failed
      ? `Failed so far: ${number(scene.failed)}. ${listed.join(', ')}.` : '';
    this.canvas.setAttribute('aria-label', sentence(scene, this.moment));
    if (aloud) this.live.textContent = `${clock(log, this.moment)}. ${words}`;
    allow(this.back, !none);
    allow(this.forth, scene.done < log.n);
    this.showButton();
    this.place();
    this.mark();
  }

  place() {
    const { log } = this;
    const share = (this.moment - log.first) / Math.max(log.last - log.first, 1e-12);
    this.scrubber.value = String(10000 * share);
    const words = clock(log, this.moment);
    this.scrubber.setAttribute('aria-valuetext', `${words}, event ${this.event} of ${this.events}`);
    this.time.textContent = words;
  }

  // The table

  filter() {
    if (!this.table.open || !this.log) return;
    const row = this.scene.done - 1;
    if (this.followed === null && row >= 0 && this.log.token[row] >= 0) {
      this.chosen = this.log.token[row];
    } else {
      this.chosen = this.followed ?? 0;
    }
    this.listed = filtered(this.log, this.which.value, this.chosen);
    this.list();
  }

  turn(by) {
    this.page += by;
    this.list();
  }

  list() {
    const { log, listed } = this;
    const pages = Math.max(1, Math.ceil(listed.length / PAGE));
    this.page = Math.max(0, Math.min(pages - 1, this.page));
    const from = this.page * PAGE;
    const rows = listed.slice(from, from + PAGE);
    const of = this.which.value === 'one' ? ` of ${called(log, this.chosen)}` : '';
    this.caption.textContent = rows.length
      ? `${this.which.value === 'failed' ? 'Failures' : 'Events'}${of} ${number(from + 1)} to `
        + `${number(from + rows.length)} of ${number(listed.length)}`
      : 'None';
    allow(this.earlier, this.page > 0);
    allow(this.later, this.page < pages - 1);
    this.body.replaceChildren(...rows.map((row) => {
      const token = log.token[row];
      const who = token < 0 ? log.places[log.place[row]].name : called(log, token);
      const cells = [number(row + 1 - log.opening), clock(log, log.time_s[row]), who,
        log.words[log.what[row]], log.words[log.why[row]]];
      const line = make('tr', {}, ...cells.map((text) => make('td', {}, text)));
      line.dataset.row = String(row);
      return line;
    }));
    this.mark();
  }

  /** Show in the table where the replay is, while it stands still. */
  mark() {
    if (!this.table.open || this.playing || !this.listed) return;
    const row = this.scene.done - 1;
    const index = this.listed.indexOf(row);
    if (index >= 0 && Math.floor(index / PAGE) !== this.page && this.marked !== row) {
      this.marked = row;
      this.page = Math.floor(index / PAGE);
      this.list();
      return;
    }
    this.marked = row;
    for (const line of this.body.children) {
      if (line.dataset.row === String(row)) line.setAttribute('aria-current', 'true');
      else line.removeAttribute('aria-current');
    }
  }

  /** Follow the dot that was clicked. */
  pick(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const near = (this.shown || []).map((dot) => [Math.hypot(dot.x - x, dot.y - y), dot])
      .filter(([far]) => far < 12).sort((a, b) => a[0] - b[0])[0];
    this.followed = near ? near[1].token : null;
    if (near) this.which.value = 'one';
    this.page = 0;
    this.filter();
    this.draw();
  }
}

// ---------------------------------------------------------------- anywidget

export default {
  render({ model, el }) {
    const shown = mount(el, model.get('about'), model.get('data'));
    const change = () => shown.show(model.get('about'), model.get('data'));
    model.on('change:about', change);
    return () => {
      model.off('change:about', change);
      shown.destroy();
    };
  },
};
