// Draws a moment of a log on a canvas, light or dark.

import { ACTS, NOWHERE, called, caption, clock, short, upTo } from './replay_log.js';
import { FAILURE_STAYS_S, LABELS, progress, spot } from './replay_layout.js';

export const LIGHT = {
  ink: '#1f2328', muted: '#59636e', faint: '#d8dee4', box: '#f6f8fa', edge: '#8c959f',
  blue: '#0072B2', vermilion: '#D55E00', green: '#009E73', purple: '#CC79A7', orange: '#E69F00',
  sky: '#56B4E9', black: '#000000', bad: '#B34700', paper: '#ffffff',
};
export const DARK = {
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

export function shape(pen, kind, x, y, r) {
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

/** What stays as it is while a log plays, drawn once: places, frames of curves, whole curves. */
export function scenery(log, plan, paint, sharp) {
  const layer = (draw) => {
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(plan.width * sharp);
    canvas.height = Math.round(plan.height * sharp);
    const pen = canvas.getContext('2d');
    pen.scale(sharp, sharp);
    draw(pen);
    return canvas;
  };
  return {
    paint,
    still: layer((pen) => {
      drawBoxes(pen, plan, paint);
      log.curves.forEach((curve, index) => drawStrip(pen, curve, plan.strips[index], paint));
      drawTimes(pen, log, plan, paint);
    }),
    curves: layer((pen) => {
      log.curves.forEach((curve, index) => drawCurve(pen, log, curve, plan.strips[index], paint));
    }),
  };
}

function drawBoxes(pen, plan, paint) {
  pen.lineWidth = 1.2;
  pen.strokeStyle = paint.edge;
  pen.fillStyle = paint.edge;
  for (const corners of plan.arrows) drawArrow(pen, corners);
  for (const box of plan.boxes) {
    pen.fillStyle = paint.box;
    pen.strokeStyle = paint.edge;
    pen.lineWidth = 1.2;
    outline(pen, box);
    pen.fill();
    pen.stroke();
    if (box.kind === 'servers') {
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
    pen.font = `600 12px ${FONT}`;
    pen.fillStyle = paint.ink;
    write(pen, box.name, box.x + box.w / 2, box.y - 6, box.room);
  }
}

function outline(pen, box) {
  const round = box.kind === 'source' || box.kind === 'sink' ? box.h / 2 : 6;
  pen.beginPath();
  pen.roundRect(box.x, box.y, box.w, box.h, round);
}

/** How many are in each place, and what it says of itself. */
export function drawCaptions(pen, scene, plan, paint) {
  pen.textAlign = 'center';
  pen.textBaseline = 'alphabetic';
  plan.boxes.forEach((box, index) => {
    const { words, bad } = scene.says[index];
    const [middle, room] = [box.x + box.w / 2, box.w + 18];
    pen.font = `12px ${FONT}`;
    pen.fillStyle = paint.muted;
    write(pen, caption(scene, index), middle, box.y + box.h + 15, room);
    if (words) {
      pen.font = `600 12px ${FONT}`;
      pen.fillStyle = bad ? paint.bad : paint.ink;
      write(pen, words, middle, box.y + box.h + 30, room + 40);
    }
    if (bad) {
      pen.strokeStyle = paint.vermilion;
      pen.lineWidth = 2.4;
      outline(pen, box);
      pen.stroke();
    }
  });
}

/** Where a value of a curve is in its strip. */
function heightIn(curve, strip) {
  const { top, bottom } = curve;
  return (value) => strip.y + strip.h - ((value - bottom) / (top - bottom)) * strip.h;
}

/** Where a time is in a strip. */
function placeIn(log, strip) {
  const length = Math.max(log.last - log.first, 1e-12);
  return (time) => strip.x + (strip.w * (time - log.first)) / length;
}

function drawStrip(pen, curve, strip, paint) {
  const { x, y, w, h } = strip;
  const at = heightIn(curve, strip);
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
  pen.fillText(short(curve.top), x - 6, y);
  pen.fillText(short(curve.bottom), x - 6, y + h);
  if (curve.level === null) return;
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

/** When the curves begin and end, below the last of them. */
function drawTimes(pen, log, plan, paint) {
  const last = plan.strips[plan.strips.length - 1];
  if (!last) return;
  pen.font = `11px ${FONT}`;
  pen.fillStyle = paint.muted;
  pen.textBaseline = 'top';
  pen.textAlign = 'left';
  pen.fillText(clock(log, log.first), last.x, last.y + last.h + 4);
  pen.textAlign = 'right';
  pen.fillText(clock(log, log.last), last.x + last.w, last.y + last.h + 4);
}

function drawCurve(pen, log, curve, strip, paint) {
  const [at, across] = [heightIn(curve, strip), placeIn(log, strip)];
  pen.strokeStyle = paint.blue;
  pen.lineWidth = 1.8;
  pen.beginPath();
  let height = at(curve.values[0]);
  for (let i = 0; i < curve.n; i += 1) {
    if (i === 0) pen.moveTo(across(curve.times[i]), height);
    else pen.lineTo(across(curve.times[i]), height);
    height = at(curve.values[i]);
    pen.lineTo(across(curve.times[i]), height);
  }
  pen.lineTo(strip.x + strip.w, height);
  pen.stroke();
}

/** The curves as far as they are known now, with what they have come to. */
export function drawCurves(pen, scene, plan, time, drawn, sharp) {
  const { log } = scene;
  const { paint } = drawn;
  // Before the first event a curve has only what it was at the beginning, if it was anything.
  const begun = scene.done > log.opening || time < log.time_s[log.opening];
  log.curves.forEach((curve, index) => {
    const strip = plan.strips[index];
    const { x, y, h } = strip;
    const now = placeIn(log, strip)(time);
    const [top, high] = [y - 2, h + 4];
    if (now - x > 0.5) {
      pen.drawImage(drawn.curves, (x - 1) * sharp, top * sharp, (now - x + 1) * sharp,
        high * sharp, x - 1, top, now - x + 1, high);
    }
    pen.strokeStyle = paint.muted;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(now, y); pen.lineTo(now, y + h);
    pen.stroke();
    pen.textAlign = 'left';
    pen.textBaseline = 'bottom';
    pen.font = `600 12px ${FONT}`;
    pen.fillStyle = paint.ink;
    const many = begun ? upTo(curve.times, time) : upTo(curve.times, log.first - 1e-12);
    const value = many ? `: ${short(curve.values[many - 1])}${curve.unit && ` ${curve.unit}`}` : '';
    write(pen, `${curve.name}${value}`, x, y - 2, 0.75 * strip.w);
  });
}

function radius(dot) {
  return Math.max(1.4, Math.min(5.2, 0.42 * dot.size));
}

/** All dots: those that are well by kind, in one stroke each; then the others one by one. */
export function drawDots(pen, shown, kinds, paint, followed) {
  const well = kinds.map(() => []);
  const others = [];
  for (const dot of shown) {
    if (dot.why || dot.fade < 1) others.push(dot); else well[dot.kind].push(dot);
  }
  well.forEach((some, kind) => {
    if (!some.length) return;
    pen.fillStyle = paint[kinds[kind].colour];
    pen.beginPath();
    for (const dot of some) {
      const r = radius(dot);
      pen.moveTo(dot.x + r, dot.y);
      SHAPES[kind % SHAPES.length](pen, dot.x, dot.y, r);
    }
    pen.fill();
  });
  for (const dot of others) drawOther(pen, dot, kinds, paint);
  const ringed = shown.find((dot) => dot.token === followed);
  if (ringed) {
    pen.strokeStyle = paint.ink;
    pen.lineWidth = 1.6;
    pen.beginPath();
    pen.arc(ringed.x, ringed.y, radius(ringed) + 4, 0, 2 * Math.PI);
    pen.stroke();
  }
}

function drawOther(pen, dot, kinds, paint) {
  const r = radius(dot);
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
  pen.globalAlpha = 1;
}

/** Say below the place, or beside the dot, why the latest failure failed. */
export function drawReason(pen, scene, shown, plan, time, pace, paint) {
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
export function drawSpaceTime(pen, scene, plan, time, paint, followed) {
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
