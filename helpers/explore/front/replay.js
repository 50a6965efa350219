// Plays a simulation's own log of events on a page. Nothing in it is invented: a dot is a token of
// the log, and where it stands follows from the log's rows alone. `mount` puts a replay into an
// element; the default export is what anywidget asks for.

import {
  Scene, clock, crowds, decode, length, number, reasons, sentence, told, upTo,
} from './replay_log.js';
import { dots, layout } from './replay_layout.js';
import {
  DARK, LIGHT, drawCaptions, drawCurves, drawDots, drawReason, drawSpaceTime, isDark, scenery,
  shape,
} from './replay_draw.js';
import { EventTable } from './replay_table.js';
import { allow, make, ownKeys } from './page.js';

const SPEEDS = [0.125, 0.25, 0.5, 1, 2, 4, 8];
const GLIDE_S = 0.08; // a dot has gone two thirds of its way after this long
const THEME_MS = 500; // until the colours of a theme that was chosen have arrived
const STEP_S = 0.9; // between two events, where nothing may move

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
    this.table = new EventTable();
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
      this.now, this.failures, this.legend, this.live, this.table.root);
    this.el.replaceChildren(this.root);
  }

  listen() {
    this.ending = new AbortController();
    const on = (target, name, act) => target.addEventListener(name, act,
      { signal: this.ending.signal });
    ownKeys(this.root, this.ending.signal, (event) => this.key(event));
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
    on(this.canvas, 'click', (event) => this.pick(event));
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.stage);
    this.themed = new MutationObserver(() => {
      this.repaint();
      setTimeout(() => this.repaint(), THEME_MS);
    });
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
    this.pace = log.pace_s;
    this.title.textContent = log.title;
    this.stage.setAttribute('aria-label', `Replay: ${log.title}. Space plays, arrow keys go one `
      + 'event.');
    const chosen = this.speed.selectedIndex;
    this.speed.replaceChildren(...SPEEDS.map((times) => make('option', { value: String(times) },
      `1 s shows ${length(this.pace * times)}`)));
    this.speed.selectedIndex = chosen < 0 ? SPEEDS.indexOf(1) : chosen;
    this.table.show(log);
    const kinds = log.kinds.filter((_, kind) => log.used.includes(kind));
    this.legend.replaceChildren();
    if (kinds.length > 1) {
      for (const kind of kinds) this.legend.append(this.sign(kind), ` ${kind.name} `);
    }
    this.legend.hidden = kinds.length < 2;
    this.failures.hidden = !log.why.some((why) => why);
    this.resize();
    this.say();
    if (playing) this.play();
  }

  sign(kind) {
    const sign = make('canvas', { class: 'sdr-sign', width: '28', height: '28',
      'aria-hidden': 'true' });
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

  key(event) {
    const [target] = event.composedPath();
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
    this.repaint();
  }

  /** Draw everything, in the colours that the page has now. */
  repaint() {
    if (this.ending.signal.aborted) return;
    this.drawnOnce = null;
    this.draw();
  }

  /** Draw the present moment; return whether every dot is where it belongs. */
  draw(passed = 0) {
    if (!this.plan) return true;
    const { log, scene, plan, sharp } = this;
    const drawn = this.scenery();
    const { paint } = drawn;
    const pen = this.canvas.getContext('2d');
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, plan.width, plan.height);
    pen.drawImage(drawn.still, 0, 0, plan.width, plan.height);
    drawCurves(pen, scene, plan, this.moment, drawn, sharp);
    let settled = true;
    if (plan.lines) {
      this.shown = drawSpaceTime(pen, scene, plan, this.moment, paint, this.followed);
      drawDots(pen, this.shown, log.kinds, paint, this.followed);
    } else {
      drawCaptions(pen, scene, plan, paint);
      this.shown = dots(scene, plan, this.moment, this.speedNow);
      settled = this.glide(this.shown, passed);
      drawDots(pen, this.shown, log.kinds, paint, this.followed);
      drawReason(pen, scene, this.shown, plan, this.moment, this.speedNow, paint);
    }
    return settled;
  }

  /** What stays as it is, drawn anew when the page or its colours have changed. */
  scenery() {
    if (this.drawnOnce) return this.drawnOnce;
    const { log, plan, sharp } = this;
    const dark = isDark(this.el);
    const paint = dark ? DARK : LIGHT;
    this.root.classList.toggle('sdr-dark', dark);
    for (const sign of this.legend.querySelectorAll('canvas')) {
      const kind = Number(sign.dataset.kind);
      const ink = sign.getContext('2d');
      ink.clearRect(0, 0, 28, 28);
      ink.fillStyle = paint[log.kinds[kind].colour];
      shape(ink, kind, 14, 14, 10);
      ink.fill();
    }
    this.drawnOnce = scenery(log, plan, paint, sharp);
    return this.drawnOnce;
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
    if (!this.playing) this.table.mark(row);
  }

  place() {
    const { log } = this;
    const share = (this.moment - log.first) / Math.max(log.last - log.first, 1e-12);
    this.scrubber.value = String(10000 * share);
    const words = clock(log, this.moment);
    this.scrubber.setAttribute('aria-valuetext', `${words}, event ${this.event} of ${this.events}`);
    this.time.textContent = words;
  }

  /** Follow the dot that was clicked. */
  pick(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const near = (this.shown || []).map((dot) => [Math.hypot(dot.x - x, dot.y - y), dot])
      .filter(([far]) => far < 12).sort((a, b) => a[0] - b[0])[0];
    this.followed = near ? near[1].token : null;
    this.table.follow(this.followed);
    this.draw();
  }
}

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
