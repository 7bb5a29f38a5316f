/** Bays to judge by eye: a click shows the bay, another answers. */

import { h } from '../../../shared/dom.js';
import { button } from './fields.js';

/** @typedef {import('../model/store.js').State} State */

/** @param {import('../app.js').App} app */
export function byEyePanel(app) {
  const list = h('ul', { class: 'by-eye' });
  const element = h(
    'div',
    { class: 'panel-body' },
    h(
      'p',
      { class: 'guide' },
      'Bay head and vehicle boxes contradict each other on these bays, so they are unknown. Look at the image: is a vehicle in the bay now? The answer holds for the saved outline; correct and save it first if it is wrong.',
    ),
    list,
  );

  /** @param {State} state @param {State} before */
  function update(state, before) {
    if (state.byEye === before.byEye) return;
    list.replaceChildren(
      ...state.byEye.map((bay) =>
        h(
          'li',
          { 'aria-label': `Bay ${bay}` },
          h(
            'button',
            { type: 'button', class: 'plain grow', title: 'Show it', onclick: () => app.byEye.show(bay) },
            h('strong', {}, bay),
          ),
          button('Vehicle in it', () => void app.byEye.answer(bay, true)),
          button('Empty', () => void app.byEye.answer(bay, false)),
        ),
      ),
    );
  }
  return { element, update };
}
