// A line to type on: every key is sent as a message, so it arrives before whatever is clicked next.

import { make } from './page.js';

export default {
  render({ model, el }) {
    const say = (enter) => model.send({ text: input.value, enter });
    const input = make('input', {
      type: 'text',
      placeholder: model.get('placeholder'),
      oninput: () => say(false),
      onkeydown: (event) => {
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) say(true);
      },
    });
    const show = () => {
      input.disabled = model.get('disabled');
      // What comes back while somebody types is older than what is there.
      if (document.activeElement !== input) input.value = model.get('value');
    };
    el.replaceChildren(make('label', { class: 'sd-entry' }, model.get('label'), input));
    model.on('change', show);
    show();
    return () => model.off('change', show);
  },
};
