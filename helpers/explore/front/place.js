// Where the learner is stays in view while a whole notebook runs. JupyterLab's Run All goes to the
// last cell; this goes back, and stays until all has run or the learner does anything at all.

const GESTURES = ['pointerdown', 'keydown', 'wheel', 'touchmove'];

/** Say whether a prompt is one of a cell that waits or runs. */
const pending = (node) => node.matches?.('.jp-InputPrompt') && node.textContent.includes('*');

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
  const allPending = () => [...notebook.querySelectorAll('.jp-InputPrompt')].filter(pending);
  const below = (cell) => cell.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  const inView = (cell) => below(cell) < scroller.clientHeight && below(cell) + cell.offsetHeight > 0;

  let before = null; // the place at the learner's last gesture
  let held = null; // the place that is kept now

  const stay = () => {
    if (held?.cell.isConnected) scroller.scrollTop += below(held.cell) - held.below;
  };
  /** Return to a place and stay, if the active cell is one that Run All leaves: it, or the last. */
  const goBack = (place) => {
    if (![place.active, cells().at(-1)].includes(active())) return;
    held = place;
    held.active.focus({ preventScroll: true }); // which makes it the active one
    stay();
  };
  const letGo = () => requestAnimationFrame(() => { if (!allPending().length) held = null; });

  const look = () => {
    held = null;
    const cell = cells().find(inView);
    before = cell && { cell, below: below(cell), active: active() ?? cell };
  };
  GESTURES.forEach((name) => window.addEventListener(name, look, { capture: true, passive: true }));
  scroller.addEventListener('scroll', stay);
  new ResizeObserver(stay).observe(scroller.querySelector('.jp-WindowedPanel-viewport'));
  new MutationObserver((changes) => {
    const prompts = new Set(changes.map(({ target }) => target).filter(pending));
    const place = before;
    if (place && prompts.size > 1) requestAnimationFrame(() => goBack(place));
    else if (held) letGo();
  }).observe(notebook, { childList: true, subtree: true });

  // On a page that was just opened, the first frame comes after the jump, and from the top.
  const [first] = cells();
  if (allPending().length > 1 && inView(active() ?? first)) {
    goBack({ cell: first, below: below(first) + scroller.scrollTop, active: first });
  }
}
