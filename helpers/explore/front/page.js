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
