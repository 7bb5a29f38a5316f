/** Proposed bays: accept or reject each, or all. */

import { bounds } from '../geometry/polygon.js';
import { h } from '../ui/dom.js';
import { button, iconButton } from './fields.js';

/** @typedef {import('../model/store.js').State} State */

/** @param {import('../app.js').App} app */
export function proposalsPanel(app) {
  const { actions, stage } = app;
  const list = h('ul', { class: 'proposals' });
  const all = () => app.store.state.doc.proposals.map((p) => p.uid);
  const sure = () => app.store.state.doc.proposals.filter((p) => p.confidence >= 0.7).map((p) => p.uid);
  const acceptSure = button('Accept the sure ones', () => actions.acceptProposals(sure()));
  const element = h('div', { class: 'panel-body' },
    h('p', { class: 'guide' }, 'Dashed outlines are proposals from parked vehicles. Y accepts, N rejects, a double click accepts; corners can be dragged afterwards.'),
    h('div', { class: 'buttons' },
      button('Accept all', () => actions.acceptProposals(all()), { icon: 'check', class: 'primary' }),
      acceptSure,
      button('Reject all', () => actions.rejectProposals(all()), { icon: 'cross' })),
    list);

  /** @param {State} state @param {State} before */
  function update(state, before) {
    if (state.doc.proposals === before.doc.proposals && state.proposal === before.proposal) return;
    const number = sure().length;
    acceptSure.hidden = number === 0 || number === state.doc.proposals.length;
    acceptSure.querySelector('span')?.replaceChildren(`Accept ${number} of 70 % and more`);
    list.replaceChildren(...state.doc.proposals.map((p, i) =>
      h('li', { class: p.uid === state.proposal ? 'current' : '' },
        h('button', { type: 'button', class: 'plain grow', 'aria-pressed': String(p.uid === state.proposal), onclick: () => {
          actions.showProposal(p.uid);
          stage.zoomTo(bounds(p.points));
        } }, h('span', {}, `Proposal ${i + 1}`), h('span', { class: 'muted' }, `${Math.round(p.confidence * 100)} %`)),
        iconButton('check', `Accept proposal ${i + 1}`, () => actions.acceptProposals([p.uid])),
        iconButton('cross', `Reject proposal ${i + 1}`, () => actions.rejectProposals([p.uid])),
      )));
    list.querySelector('.current')?.scrollIntoView({ block: 'nearest' });
  }
  return { element, update };
}
