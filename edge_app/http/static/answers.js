/** What a person says of a bay: whether a vehicle is in it, what blocks it. */

import { h } from '../shared/dom.js';
import { say } from './shared.js';

/** Why no vehicle can use a bay, as people say it. @type {[string, string][]} */
const BLOCKS = [
  ['', 'nothing'],
  ['neighbour', 'a vehicle over its line'],
  ['obstacle', 'an obstacle'],
  ['snow', 'snow'],
];

/**
 * Two buttons; what becomes of the answer is said beside them.
 * @param {string} bay @param {(occupied: boolean) => void} [answered]
 */
export const eyeButtons = (bay, answered = () => {}) => {
  const said = h('span', { class: 'said', role: 'status' });
  const buttons = [
    { text: 'Vehicle in it', occupied: true },
    { text: 'Empty', occupied: false },
  ].map(({ text, occupied }) => {
    const button = h('button', { type: 'button', class: 'answer' }, text);
    button.addEventListener('click', async () => {
      const taken = await say(`/api/v1/bays/${encodeURIComponent(bay)}/confirm`, { occupied });
      said.textContent = taken ?? 'Thank you, used from now on.';
      if (taken === null) answered(occupied);
    });
    return button;
  });
  return h('div', { class: 'answers' }, h('span', {}, 'What do you see?'), ...buttons, said);
};

/** @param {string} bay @param {import('./types.js').Bay['blocked']} blocked */
export const blockChoice = (bay, blocked) => {
  const said = h('span', { class: 'said', role: 'status' });
  const select = /** @type {HTMLSelectElement} */ (
    h('select', {}, ...BLOCKS.map(([value, text]) => h('option', { value }, text)))
  );
  select.value = blocked?.kind ?? '';
  select.addEventListener('change', async () => {
    const kind = select.value || null;
    said.textContent = (await say(`/api/v1/bays/${encodeURIComponent(bay)}/blocked`, { kind })) ?? 'Saved.';
  });
  return h('div', { class: 'answers' }, h('label', {}, 'Blocked by ', select), said);
};
