/** States and reasons as people read them. */

import { h } from '../../shared/dom.js';

/** @typedef {import('./types.js').State} State */

/** @type {Record<State, string>} */
const SIGNS = { occupied: '●', free: '○', unknown: '?' };

/** @type {Record<State, string>} */
export const NAMES = { occupied: 'occupied', free: 'free', unknown: 'cannot tell' };

/** @type {Record<string, string>} */
const REASONS = {
  unsure: 'the network is unsure',
  heads_disagree: 'boxes and bay head disagree',
  label_contradicted: 'the network contradicts the label',
  uncertain: 'the box was unsure',
  disagreement: 'on the box, boxes and bay head disagreed',
  light_changed: 'the light had changed',
  after_alarm: 'the view had just recovered',
  flapping: 'a bay kept changing state',
  sampled: 'randomly sampled',
};

/** @param {State} state @returns {State} */
export const other = (state) => (state === 'occupied' ? 'free' : 'occupied');

/** @param {State} state */
export const stateName = (state) => h('span', { class: `state ${state}` }, `${SIGNS[state]} ${NAMES[state]}`);

/** @param {string} reason */
export const reasonName = (reason) => REASONS[reason] ?? reason.replace(/_/g, ' ');

/** How sure the network is of its state. @param {import('./types.js').Question} q */
export function sureness(q) {
  const said = q.prob >= 0.5 ? 'occupied' : 'free';
  return `${said}, ${Math.round(100 * Math.max(q.prob, 1 - q.prob))} %`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
