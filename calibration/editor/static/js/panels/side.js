/** The side panel: tabs after the ARIA pattern, one panel shown at a time. */

import { byId, h } from '../../../shared/dom.js';
import { shownProposals } from '../model/document.js';
import { baysPanel } from './bays.js';
import { byEyePanel } from './byeye.js';
import { historyPanel } from './history.js';
import { lotPanel } from './lot.js';
import { problemsPanel } from './problems.js';
import { proposalsPanel } from './proposals.js';
import { regionsPanel } from './regions.js';
import { rowPanel } from './row.js';

/** @typedef {import('../model/store.js').State} State */

/** @param {import('../app.js').App} app */
export function sidePanel(app) {
  const panels = [
    { id: 'row', title: 'Row', panel: rowPanel(app), shown: (/** @type {State} */ s) => s.tool === 'row' },
    {
      id: 'proposals',
      title: 'Found',
      panel: proposalsPanel(app),
      shown: (/** @type {State} */ s) => s.doc.proposals.length > 0 && s.tool !== 'row',
    },
    {
      id: 'by-eye',
      title: 'By eye',
      panel: byEyePanel(app),
      shown: (/** @type {State} */ s) => s.byEye.length > 0,
    },
    { id: 'bays', title: 'Bays', panel: baysPanel(app), shown: () => true },
    { id: 'regions', title: 'Areas', panel: regionsPanel(app), shown: () => true },
    { id: 'problems', title: 'Problems', panel: problemsPanel(app), shown: () => true },
    { id: 'lot', title: 'Lot', panel: lotPanel(app), shown: () => true },
    { id: 'history', title: 'History', panel: historyPanel(app), shown: () => true },
  ];
  const tablist = h('div', { role: 'tablist', 'aria-label': 'Panels', class: 'tabs' });
  const parts = panels.map(({ id, title, panel }) => {
    const badge = h('span', { class: 'badge', hidden: true });
    const tab = h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: `tab-${id}`,
        'aria-controls': `panel-${id}`,
        onclick: () => app.store.set({ panel: id }),
      },
      title,
      badge,
    );
    const box = h(
      'div',
      { role: 'tabpanel', id: `panel-${id}`, 'aria-labelledby': `tab-${id}`, tabindex: '-1' },
      panel.element,
    );
    tablist.append(tab);
    return { tab, box, badge };
  });
  byId('side').append(tablist, ...parts.map((p) => p.box));

  tablist.addEventListener('keydown', (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    const seen = parts.filter((p) => !p.tab.hidden);
    const at = seen.findIndex((p) => p.tab.getAttribute('aria-selected') === 'true');
    const next = seen[(at + step + seen.length) % seen.length];
    next.tab.focus();
    next.tab.click();
  });

  // A hidden panel is brought up to date when it is shown, not with every move of the hand.
  const seen = panels.map(() => app.store.state);
  app.store.subscribe((state) => {
    const asked = panels.find((p) => p.id === state.panel);
    const current = asked?.shown(state) ? asked.id : 'bays';
    panels.forEach(({ id, panel, shown }, i) => {
      const { tab, box, badge } = parts[i];
      tab.hidden = !shown(state);
      tab.setAttribute('aria-selected', String(id === current));
      tab.tabIndex = id === current ? 0 : -1;
      box.hidden = id !== current;
      if (id === current) {
        panel.update(state, seen[i]);
        seen[i] = state;
      }
      if (id === 'problems')
        count(
          badge,
          state.findings.filter((f) => f.severity !== 'info').length,
          state.findings.some((f) => f.severity === 'error'),
        );
      if (id === 'by-eye') count(badge, state.byEye.length, false);
      if (id === 'proposals') count(badge, shownProposals(state).length, false);
    });
  });
}

/** @param {HTMLElement} badge @param {number} number @param {boolean} bad */
function count(badge, number, bad) {
  badge.hidden = number === 0;
  badge.textContent = String(number);
  badge.classList.toggle('bad', bad);
}
