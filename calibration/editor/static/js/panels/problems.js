/** What is wrong, where, and what to do about it; a click goes there. */

import { h } from '../../../shared/dom.js';
import { icon } from '../ui/icons.js';

/** @typedef {import('../model/store.js').State} State */

const ORDER = { error: 0, warning: 1, info: 2 };
const SIGN = { error: 'error', warning: 'warn', info: 'info' };

/** @param {import('../types.js').Finding} finding */
const whose = ({ bay, mask, area }) =>
  bay ? `Bay ${bay}: ` : mask ? `Mask ${mask}: ` : area ? `Area ${area}: ` : '';

/** @param {import('../app.js').App} app */
export function problemsPanel(app) {
  const list = h('ul', { class: 'findings' });
  const summary = h('p', { class: 'guide', role: 'status' });
  const element = h('div', { class: 'panel-body' }, summary, list);

  /** @param {State} state @param {State} before */
  function update(state, before) {
    if (state.findings === before.findings && state.checked === before.checked) return;
    const findings = [...state.findings].sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
    const errors = findings.filter((f) => f.severity === 'error').length;
    summary.textContent =
      findings.length === 0
        ? 'No problems.'
        : errors > 0
          ? `${errors} ${errors === 1 ? 'problem prevents' : 'problems prevent'} saving.`
          : 'You can save; please review these.';
    list.replaceChildren(
      ...findings.map((finding) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              type: 'button',
              class: `finding ${finding.severity}`,
              onclick: () => app.problems.show(finding),
            },
            icon(SIGN[finding.severity]),
            h(
              'span',
              { class: 'text' },
              h('strong', {}, whose(finding), finding.code.replace(/_/g, ' ')),
              h('span', {}, finding.message),
              h('em', {}, finding.remedy),
            ),
          ),
        ),
      ),
    );
  }
  return { element, update };
}
