// What every frame of the course needs from the page, and ipywidgets cannot give it: a slider's
// handle is named after its label, and a reading is read aloud when it changes.

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

const REST_MS = 100; // a moving slider changes the frame many times a second

export default {
  render({ el }) {
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
      observer.observe(frame, { childList: true, subtree: true });
    };
    start();
    return () => {
      cancelAnimationFrame(waiting);
      clearTimeout(due);
      observer.disconnect();
    };
  },
};
