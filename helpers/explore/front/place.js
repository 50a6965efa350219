// Where the learner is stays in view while a whole notebook runs. JupyterLab's Run All goes to the
// last cell; this goes back, and stays until all has run or the learner does anything at all.

const GESTURES = ['pointerdown', 'keydown', 'wheel', 'touchmove'];
const LOOK_MS = 1000; // how often to see whether all has run

/** Say whether a prompt is one of a cell that waits or runs. */
const pending = (node) => node.matches('.jp-InputPrompt') && node.textContent.includes('*');
/** Say whether this is what a cell has been cleared of when it was sent; its prompt may be hidden. */
const cleared = (node) => node.matches('.jp-OutputArea:not(:has(> .jp-OutputArea-child))');

/**
 * Keep the place in the notebook around a frame, from now on.
 *
 * There is one in JupyterLab, and in what is built on it. Everywhere else this does nothing.
 */
export function keepPlace(frame) {
  const notebook = frame.closest('.jp-Notebook');
  const scroller = notebook?.querySelector('.jp-WindowedPanel-outer');
  if (!scroller || notebook.dataset.sdPlace) return;
  notebook.dataset.sdPlace = 'kept';

  const cells = () => [...notebook.querySelectorAll('.jp-Cell')];
  const active = () => notebook.querySelector('.jp-Cell.jp-mod-active');
  const busy = () => notebook.closest('.jp-NotebookPanel')?.querySelector('[data-status="busy"]');
  const below = (cell) => cell.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  const inView = (cell) => below(cell) < scroller.clientHeight && below(cell) + cell.offsetHeight > 0;

  const [first] = cells();
  let opened = { cell: first, below: below(first) + scroller.scrollTop, active: first };
  let before = null; // the place at the learner's last gesture; until then they are where it opened
  let held = null; // the place that is kept now

  const stay = () => {
    if (held?.cell.isConnected) scroller.scrollTop += below(held.cell) - held.below;
  };
  const letGo = (place) => {
    if (held !== place) return;
    if (busy()) setTimeout(letGo, LOOK_MS, place);
    else held = null;
  };
  const goBack = (place) => {
    held = place;
    held.active.focus({ preventScroll: true }); // which makes it the active one
    stay();
    setTimeout(letGo, LOOK_MS, place);
  };
  const atEnd = () => active() && active() === cells().at(-1);

  const closed = new AbortController();
  const look = () => {
    if (!notebook.isConnected) closed.abort();
    opened = held = null;
    const cell = cells().find(inView);
    before = cell && { cell, below: below(cell), active: active() ?? cell };
  };
  const heard = { capture: true, passive: true, signal: closed.signal };
  GESTURES.forEach((name) => window.addEventListener(name, look, heard));
  scroller.addEventListener('scroll', stay);
  new ResizeObserver(stay).observe(scroller.querySelector('.jp-WindowedPanel-viewport'));

  /** Go back if several cells were sent at once and the last is active, or, after a restart, ours. */
  const follow = (changes) => {
    const place = before;
    const sent = changes.map(({ target }) => target).filter((one) => pending(one) || cleared(one));
    if (!place || new Set(sent.map((one) => one.closest('.jp-Cell'))).size < 2) return;
    requestAnimationFrame(() => {
      if (atEnd() || active() === place.active) goBack(place);
    });
  };
  /** Go back to the top if that was before there was a frame: other cells wait, or have one, too. */
  const lookBack = () => {
    const sent = (cell) => cell.querySelector('.sd-explorer')
      || [...cell.querySelectorAll('.jp-InputPrompt')].some(pending);
    if (!opened || !atEnd() || !inView(active()) || cells().filter(sent).length < 2) return;
    goBack(opened);
    opened = null;
  };
  new MutationObserver((changes) => {
    follow(changes);
    lookBack();
  }).observe(notebook, { childList: true, subtree: true });
  lookBack();
}
