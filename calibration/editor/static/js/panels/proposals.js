/** Proposed bays: accept or reject each, or all. */

import { h } from '../../../shared/dom.js';
import { bounds } from '../geometry/polygon.js';
import { shownProposals } from '../model/document.js';
import { button, iconButton, labelled } from './fields.js';

/** @typedef {import('../model/store.js').State} State */

/** @param {import('../app.js').App} app */
export function proposalsPanel(app) {
  const { proposals: actions, stage } = app;
  const list = h('ul', { class: 'proposals' });
  const shown = () => shownProposals(app.store.state).map((p) => p.uid);
  const all = () => app.store.state.doc.proposals.map((p) => p.uid);
  const accept = button('Accept all', () => actions.accept(shown()), { icon: 'check', class: 'primary' });
  const least = h('input', {
    type: 'range',
    min: 0,
    max: 1,
    step: 0.05,
    oninput: () => app.store.set({ leastConfidence: Number(least.value) }),
  });
  const field = labelled('Show from', least);
  const element = h(
    'div',
    { class: 'panel-body' },
    h(
      'p',
      { class: 'guide' },
      'Dashed outlines are proposals from parked vehicles. Y or a double click accepts, N rejects; corners can be dragged afterwards.',
    ),
    field,
    h(
      'div',
      { class: 'buttons' },
      accept,
      button('Reject all', () => actions.reject(all()), { icon: 'cross' }),
    ),
    list,
  );

  /** @param {State} state @param {State} before */
  function update(state, before) {
    const keys = /** @type {(keyof State)[]} */ (['proposal', 'leastConfidence', 'doc']);
    if (keys.every((key) => state[key] === before[key])) return;
    const proposals = shownProposals(state);
    const hidden = state.doc.proposals.length - proposals.length;
    least.value = String(state.leastConfidence);
    field
      .querySelector('label')
      ?.replaceChildren(
        `Show from ${Math.round(state.leastConfidence * 100)} %${hidden > 0 ? `, ${hidden} hidden` : ''}`,
      );
    accept.disabled = proposals.length === 0;
    accept
      .querySelector('span')
      ?.replaceChildren(
        `Accept ${proposals.length === state.doc.proposals.length ? 'all' : proposals.length}`,
      );
    list.replaceChildren(
      ...proposals.map((p, i) =>
        h(
          'li',
          { class: p.uid === state.proposal ? 'current' : '' },
          h(
            'button',
            {
              type: 'button',
              class: 'plain grow',
              'aria-pressed': String(p.uid === state.proposal),
              onclick: () => {
                actions.show(p.uid);
                stage.zoomTo(bounds(p.points));
              },
            },
            h('span', {}, `Proposal ${i + 1}`),
            h('span', { class: 'muted' }, `${Math.round(p.confidence * 100)} %`),
          ),
          iconButton('check', `Accept proposal ${i + 1}`, () => actions.accept([p.uid])),
          iconButton('cross', `Reject proposal ${i + 1}`, () => actions.reject([p.uid])),
        ),
      ),
    );
    list.querySelector('.current')?.scrollIntoView({ block: 'nearest' });
  }
  return { element, update };
}
