/** One bay, large. */

import { announce } from '../../editor/js/ui/notices.js';
import { h } from '../../shared/dom.js';
import { cropPicture, framePicture, LARGE } from './pictures.js';
import { NAMES, reasonName, stateName, sureness } from './words.js';

/** @typedef {import('./types.js').State} State */

/** @type {Record<string, State>} */
const KEYS = {
  o: 'occupied',
  ArrowRight: 'occupied',
  f: 'free',
  ArrowLeft: 'free',
  u: 'unknown',
  ArrowDown: 'unknown',
};

/**
 * @param {import('./types.js').Question} q
 * @param {boolean} settles  a dispute between reviewers
 * @param {(states: State[]) => void} answer
 * @returns {import('./types.js').Screen}
 */
export function singleScreen(q, settles, answer) {
  const choice = (/** @type {State} */ state, /** @type {string[]} */ caps) =>
    h(
      'button',
      {
        type: 'button',
        class: `choice ${state}${q.was === state ? ' was' : ''}`,
        onclick: () => answer([state]),
      },
      stateName(state),
      h('span', { class: 'caps' }, ...caps.map((cap) => h('kbd', {}, cap))),
    );
  const accept = h(
    'button',
    { type: 'button', class: 'accept wide', onclick: () => answer([q.suggestion]) },
    h('span', {}, `Accept: ${NAMES[q.suggestion]}`),
    h('span', { class: 'caps' }, h('kbd', {}, 'Space')),
  );
  const element = h(
    'div',
    { class: 'single' },
    h('div', { class: 'room' }, cropPicture(q, LARGE)),
    h(
      'div',
      { class: 'aside' },
      h(
        'div',
        { class: 'choices', role: 'group', 'aria-label': 'Is the outlined bay occupied?' },
        choice('free', ['F', '←']),
        choice('unknown', ['U', '↓']),
        choice('occupied', ['O', '→']),
      ),
      settles ? null : accept,
      facts(q),
      framePicture(q),
    ),
  );
  return {
    element,
    questions: [q],
    shown: () => announce(`Bay ${q.bay}. ${q.label === null ? 'Network' : 'Label'}: ${NAMES[q.suggestion]}.`),
    key: (e) => {
      const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
      const state = key === ' ' && !settles ? q.suggestion : KEYS[key];
      if (state) answer([state]);
      return Boolean(state);
    },
  };
}

/** @param {import('./types.js').Question} q */
function facts(q) {
  const row = (/** @type {string} */ name, /** @type {Node|string} */ value) =>
    h('div', {}, h('dt', {}, name), h('dd', {}, value));
  return h(
    'dl',
    { class: 'facts' },
    row('Bay', q.bay),
    ...(q.label === null ? [] : [row('Label', stateName(q.label ? 'occupied' : 'free'))]),
    row('Network', sureness(q)),
    ...q.votes.map((v) => row(v.reviewer, stateName(v.state))),
    ...(q.reasons.length > 0 ? [row('Reason', q.reasons.map(reasonName).join('; '))] : []),
    row('Image', [q.place, q.time].filter(Boolean).join(', ')),
  );
}
