// What the modules of the front end share: making elements.

/** A new element, with its attributes, listeners (`onclick`) and children. */
export function make(tag, attributes = {}, ...children) {
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
export function allow(button, can) {
  button.setAttribute('aria-disabled', String(!can));
}

/**
 * Keep keys that are pressed within an element, without another one held, from the page around it.
 *
 * JupyterLab listens at the document before whatever is in it, so this listens before that. Tab
 * and Escape still lead out.
 */
export function ownKeys(root, signal, act = () => {}) {
  window.addEventListener('keydown', (event) => {
    if (!event.composedPath().includes(root) || event.key === 'Tab' || event.key === 'Escape'
      || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.stopImmediatePropagation();
    act(event);
  }, { signal, capture: true });
}
