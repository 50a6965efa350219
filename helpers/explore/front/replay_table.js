// The events of a log as a table, for those who cannot see them move and those who want to know.

import { called, clock, filtered, number } from './replay_log.js';
import { allow, make } from './page.js';

const PAGE = 50; // rows; ten thousand of them would make the page slow
const TITLES = ['Event', 'Time', 'Who', 'What happened', 'Why it failed'];

export class EventTable {
  constructor() {
    this.which = make('select', { class: 'sdr-select', 'aria-label': 'Show in the table' });
    this.caption = make('caption');
    this.body = make('tbody');
    this.earlier = this.turner('◂ Earlier', 'Earlier events', -1);
    this.later = this.turner('Later ▸', 'Later events', 1);
    const titles = TITLES.map((title) => make('th', { scope: 'col' }, title));
    this.root = make('details', { class: 'sdr-details' },
      make('summary', {}, 'Table of events'),
      make('div', { class: 'sdr-row' }, make('label', {}, 'Show ', this.which), this.earlier,
        this.later),
      make('div', { class: 'sdr-table', tabindex: '0', role: 'region', 'aria-label': 'Events' },
        make('table', {}, this.caption, make('thead', {}, make('tr', {}, ...titles)), this.body)));
    this.which.addEventListener('change', () => this.list());
    this.root.addEventListener('toggle', () => this.list());
  }

  turner(sign, words, by) {
    return make('button', { type: 'button', class: 'sdr-button', title: words, 'aria-label': words,
      onclick: () => this.turn(this.page + by) }, sign);
  }

  /** Show another log. */
  show(log) {
    this.log = log;
    this.row = -1; // the present event
    this.followed = null;
    const kinds = [['all', 'all events'], ['failed', 'failures'], ['one', `one ${log.noun}`]];
    this.which.replaceChildren(...kinds.map(([value, words]) => make('option', { value }, words)));
    this.list();
  }

  /** Show the events of one token; null for none in particular. */
  follow(token) {
    this.followed = token;
    if (token !== null) this.which.value = 'one';
    this.list();
  }

  /** Choose what is listed: for one token, the one that is followed, or that of this event. */
  list() {
    if (!this.root.open || !this.log) return;
    const present = this.row >= 0 ? this.log.token[this.row] : 0;
    this.token = this.followed ?? Math.max(0, present);
    this.rows = filtered(this.log, this.which.value, this.token);
    this.turn(0);
    this.mark(this.row);
  }

  turn(page) {
    const { log } = this;
    const last = Math.max(0, Math.ceil(this.rows.length / PAGE) - 1);
    this.page = Math.max(0, Math.min(last, page));
    const from = this.page * PAGE;
    const shown = this.rows.slice(from, from + PAGE);
    const what = this.which.value === 'failed' ? 'Failures' : 'Events';
    const whose = this.which.value === 'one' ? ` of ${called(log, this.token)}` : '';
    this.caption.textContent = shown.length ? `${what}${whose} ${number(from + 1)} to `
      + `${number(from + shown.length)} of ${number(this.rows.length)}` : 'None';
    allow(this.earlier, this.page > 0);
    allow(this.later, this.page < last);
    this.body.replaceChildren(...shown.map((row) => this.line(row)));
    this.light();
  }

  line(row) {
    const { log } = this;
    const token = log.token[row];
    const cells = [number(row + 1 - log.opening), clock(log, log.time_s[row]),
      token < 0 ? log.places[log.place[row]].name : called(log, token),
      log.words[log.what[row]], log.words[log.why[row]]];
    const line = make('tr', {}, ...cells.map((text) => make('td', {}, text)));
    line.dataset.row = String(row);
    return line;
  }

  /** Go along with the replay: show where it stands. */
  mark(row) {
    this.row = row;
    if (!this.root.open || !this.rows) return;
    const index = this.rows.indexOf(row);
    if (index >= 0 && Math.floor(index / PAGE) !== this.page) this.turn(Math.floor(index / PAGE));
    else this.light();
  }

  light() {
    for (const line of this.body.children) {
      if (line.dataset.row === String(this.row)) line.setAttribute('aria-current', 'true');
      else line.removeAttribute('aria-current');
    }
  }
}
