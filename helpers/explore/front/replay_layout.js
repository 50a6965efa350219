// Where places and dots stand on the stage, in CSS pixels. Nothing here draws.

import { NOWHERE, crowds } from './replay_log.js';

const [ROW, TIGHT_ROW] = [132, 108]; // heights of a row of places, and of one of many
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
  const high = rows > 2 ? TIGHT_ROW : ROW;
  const cell = (width - 2 * EDGE) / columns;
  const boxes = log.places.map((place, index) => {
    const small = place.kind === 'source' || place.kind === 'sink';
    const w = Math.max(40, Math.min(cell - (columns > 1 ? 26 : 0), small ? 92 : 190));
    const h = 62;
    const x = EDGE + (place.column + 0.5) * cell - w / 2;
    const y = EDGE + 18 + place.row * high;
    const room = cell - 8; // for its name: nothing else of its column stands as high
    return { ...place, index, x, y, w, h, room, grid: grid(place, w, h, most[index]) };
  });
  const pairs = new Set();
  for (let row = 0; row < log.n; row += 1) {
    const [from, to] = [log.start[row], log.place[row]];
    if (log.token[row] >= 0 && from !== to && from >= 0 && to >= 0) pairs.add(from * 1000 + to);
  }
  const top = EDGE + rows * high;
  return {
    width,
    height: top + log.curves.length * CURVE + (log.curves.length ? 18 : 0),
    boxes,
    arrows: [...pairs].map((pair) => route(boxes, boxes[Math.floor(pair / 1000)],
      boxes[pair % 1000])),
    strips: stripsBelow(log, width, top),
  };
}

export const LABELS = 110; // room for the names of lifelines
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

const ASIDE = 0.36; // of a box's width: there an arrow straight down passes its captions

/** Ends of an arrow from one box to another, at their edges; down on the right, up on the left. */
export function arrow(from, to) {
  const [a, b] = [centre(from), centre(to)];
  if (a[0] === b[0]) {
    const x = a[0] + ASIDE * Math.sign(b[1] - a[1]) * Math.min(from.w, to.w);
    const edge = (box, sign) => box.y + (sign > 0 ? box.h + 3 : -3);
    return [[x, edge(from, b[1] - a[1])], [x, edge(to, a[1] - b[1])]];
  }
  const cut = (box, [x, y], [dx, dy]) => {
    const share = Math.min(
      dx ? (box.w / 2 + 3) / Math.abs(dx) : Infinity,
      dy ? (box.h / 2 + 3) / Math.abs(dy) : Infinity,
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
export const FAILURE_STAYS_S = 2.5;

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
    const [x, y] = between(boxes, state.way, time, token);
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
      at = between(boxes, way, log.time_s[row], token);
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

/** What goes from store to store goes beside the others and not behind them: how far, -1 to 1. */
export function lane(from, to, token) {
  return from.kind === 'store' && to.kind === 'store' ? (token * 0.618034 % 1) * 2 - 1 : 0;
}

function between(boxes, way, time, token) {
  const [from, to] = [boxes[way.start], boxes[way.place]];
  const [a, b] = arrow(from, to);
  const share = progress(way, time);
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const aside = 0.36 * Math.min(from.h, to.h) * lane(from, to, token) / (Math.hypot(dx, dy) || 1);
  return [a[0] + share * dx - aside * dy, a[1] + share * dy + aside * dx];
}
