// What every frame of the course needs from the page, and ipywidgets cannot give it: a slider's
// handle is named after its label and says what is written beside it, a reading is read aloud when
// it changes, and the kernel hears whether the page is dark, snug or narrow.

import { keepPlace } from './place.js';

const beside = (handle, name) => handle.closest('.jupyter-widgets').querySelector(name);

/** Name handles that have no name, and mark readings that are not read aloud, within a frame. */
export function name(frame) {
  frame.querySelectorAll('.noUi-handle:not([aria-label])').forEach((handle) => {
    const label = beside(handle, '.widget-label');
    if (label) handle.setAttribute('aria-label', label.textContent);
  });
  frame.querySelectorAll('.noUi-handle').forEach(speak);
  reachAll(frame);
  frame.querySelectorAll('.sd-reading:not([aria-live])').forEach((region) => {
    region.setAttribute('aria-live', 'polite');
  });
}

/**
 * Have a handle say what its learner sees, and not 0.49999999999999994.
 *
 * What is written beside one that goes from place to place looks as if it could be typed over.
 */
export function speak(handle) {
  const readout = beside(handle, '.widget-readout');
  const shown = readout?.textContent;
  if (shown && handle.getAttribute('aria-valuetext') !== shown) {
    handle.setAttribute('aria-valuetext', shown);
  }
  if (readout?.closest('.sd-places')) readout.contentEditable = 'false';
}

/** Have the keyboard reach a frame's pictures, and the tables of its notebook. */
function reachAll(frame) {
  frame.querySelectorAll('.sd-picture').forEach((picture) => reach(picture, 'picture'));
  frame.closest('.jp-Notebook')?.querySelectorAll('.jp-RenderedHTML.jp-OutputArea-output')
    .forEach((table) => reach(table, 'table'));
}

/** Have the keyboard reach what is wider than the page, to push it to and fro. */
function reach(wide, what) {
  if (wide.scrollWidth > wide.clientWidth) {
    wide.setAttribute('tabindex', '0');
    wide.setAttribute('role', 'group');
    wide.setAttribute('aria-label', `A wide ${what}: arrow keys push it`);
  } else {
    ['tabindex', 'role', 'aria-label'].forEach((name) => wide.removeAttribute(name));
  }
}

/** Tell the kernel what the page is like, if it does not know. */
function say(model, name, value) {
  if (model.get(name) === value) return;
  model.set(name, value);
  model.save_changes();
}

/** Tell it whether the page is dark, now and whenever that changes; return how to stop. */
export function followTheme(model, body) {
  const tell = () => say(model, 'dark', body.dataset.jpThemeLight === 'false');
  const observer = new MutationObserver(tell);
  observer.observe(body, { attributes: true, attributeFilter: ['data-jp-theme-light'] });
  tell();
  return () => observer.disconnect();
}

const SNUG_PX = 864; // the least width of panels side by side, nine tenths of their full one
const NARROW_PX = 640; // and of one panel for a wide page
const TIGHT_PX = 480; // a frame that is no wider also gets the room beside it
const BESIDE_PX = 80; // at least that much

/** Tell it whether a frame has the room for panels side by side, or for one; return how to stop. */
export function followWidth(model, frame) {
  const observer = new ResizeObserver((entries) => {
    const { width } = entries[entries.length - 1].contentRect;
    if (width <= 0) return; // a hidden one has none
    say(model, 'snug', width < SNUG_PX);
    say(model, 'narrow', width < NARROW_PX);
    const extra = frame.classList.contains('sd-tight') ? BESIDE_PX : 0; // or it would flicker
    frame.classList.toggle('sd-tight', width < TIGHT_PX + extra);
    reachAll(frame);
  });
  observer.observe(frame);
  return () => observer.disconnect();
}

const REST_MS = 100; // a moving slider changes the frame many times a second

export default {
  render({ model, el }) {
    const stops = [followTheme(model, document.body)];
    let [due, waiting, tries] = [null, null, 0];
    let frame = null;
    const observer = new MutationObserver((changes) => {
      changes.forEach(({ target }) => {
        if (!target.classList?.contains('widget-readout')) return;
        const handle = beside(target, '.noUi-handle');
        if (handle) speak(handle);
      });
      due ??= setTimeout(() => { due = null; name(frame); }, REST_MS);
    });
    const start = () => { // a widget is drawn first, and put into the page then
      frame = el.closest('.sd-explorer');
      if (!frame) {
        tries += 1;
        if (tries < 1000) waiting = requestAnimationFrame(start);
        return;
      }
      name(frame);
      keepPlace(frame);
      stops.push(followWidth(model, frame));
      observer.observe(frame, { childList: true, subtree: true });
    };
    start();
    return () => {
      stops.forEach((stop) => stop());
      cancelAnimationFrame(waiting);
      clearTimeout(due);
      observer.disconnect();
    };
  },
};
