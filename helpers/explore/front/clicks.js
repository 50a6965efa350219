// Lays a button over each place of a picture that can be clicked: what a click, or Enter on the
// focused button, does is what the control does that the place belongs to.

import { make, ownKeys } from './page.js';

/** Which button is which, whatever else changes of it. */
export function nameOf(box) {
  return JSON.stringify(box.name ? [box.control, box.name] : [box.control, null, box.value]);
}

export default {
  render({ model, el }) {
    const ending = new AbortController();
    const buttons = new Map();
    let boxes = new Map();
    const root = make('div', { class: 'sdc', role: 'group', 'aria-label': 'In the picture' });
    el.replaceChildren(root);
    ownKeys(root, ending.signal);

    // A button stays the same element while the picture changes, or it would lose the focus.
    const show = () => {
      const [width, height, least] = model.get('size');
      root.style.width = `max(${least}px, min(${width}px, 100%))`; // as the picture is
      root.style.aspectRatio = `${width} / ${height}`;
      boxes = new Map(model.get('boxes').map((box) => [nameOf(box), box]));
      for (const [name, button] of buttons) {
        if (!boxes.has(name)) {
          button.remove();
          buttons.delete(name);
        }
      }
      for (const [name, box] of boxes) {
        if (!buttons.has(name)) {
          const click = () => { // what it means may have changed since
            const { control, value } = boxes.get(name);
            model.send({ control, value });
          };
          buttons.set(name, make('button', { type: 'button', onclick: click }));
        }
        const button = buttons.get(name);
        button.title = box.label;
        button.setAttribute('aria-label', box.label);
        if (box.pressed === null) button.removeAttribute('aria-pressed');
        else button.setAttribute('aria-pressed', String(box.pressed));
        for (const side of ['left', 'top', 'width', 'height']) {
          button.style[side] = `${100 * box[side]}%`;
        }
        if (!button.isConnected) root.append(button);
      }
    };
    model.on('change:boxes', show);
    show();
    return () => {
      model.off('change:boxes', show);
      ending.abort();
    };
  },
};
