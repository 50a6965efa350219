// What every frame of the course needs from the page, and ipywidgets cannot give it: a slider's
// handle is named after its label, a reading is read aloud when it changes, and the kernel hears
// whether the page is dark or narrow.

/** Name handles that have no name, and mark readings that are not read aloud, within a frame. */
export function name(frame) {
  frame.querySelectorAll('.noUi-handle:not([aria-label])').forEach((handle) => {
    const label = handle.closest('.jupyter-widgets').querySelector('.widget-label');
    if (label) handle.setAttribute('aria-label', label.textContent);
  });
  frame.querySelectorAll('.sd-reading:not([aria-live])').forEach((region) => {
    region.setAttribute('aria-live', 'polite');
  });
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

const NARROW_PX = 640; // the width of panels that stand below one another

/** Tell it whether a frame has the room for panels side by side; return how to stop. */
export function followWidth(model, frame) {
  const observer = new ResizeObserver((entries) => {
    const { width } = entries[entries.length - 1].contentRect;
    if (width > 0) say(model, 'narrow', width < NARROW_PX); // a hidden one has none
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
    const observer = new MutationObserver(() => {
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
