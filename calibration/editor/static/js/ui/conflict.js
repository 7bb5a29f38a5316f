/** Two people, one file: show what each did and join it; nothing is overwritten. */

import { h } from '../../../shared/dom.js';
import { detailsOf, settle } from '../model/diff.js';

/** @typedef {import('../model/diff.js').Merge} Merge */

/**
 * @param {Merge} merged
 * @param {{revision: number, author: string}} theirs
 * @param {(doc: import('../types.js').Doc) => void} join
 */
export function showConflict(merged, theirs, join) {
  if (document.querySelector('dialog.conflict')) return;
  const choices = merged.conflicts.map((conflict) => {
    const mine = radio(conflict.key, 'Mine', true);
    const other = radio(conflict.key, 'Theirs', false);
    const what =
      conflict.mine && conflict.theirs
        ? detailsOf(conflict.mine, conflict.theirs).join(', ')
        : conflict.mine
          ? 'deleted by them'
          : 'deleted by me';
    return {
      conflict,
      other: other.input,
      row: h(
        'li',
        {},
        h(
          'fieldset',
          {},
          h('legend', {}, h('strong', {}, conflict.title), ` ${what}`),
          mine.label,
          other.label,
        ),
      ),
    };
  });
  const close = () => dialog.close();
  const apply = () => {
    join(settle(merged, new Set(choices.filter((c) => c.other.checked).map((c) => c.conflict.key))));
    close();
  };
  const number = choices.length;
  const dialog = h(
    'dialog',
    { class: 'conflict', 'aria-labelledby': 'conflict-title' },
    h('h2', { id: 'conflict-title' }, `Revision ${theirs.revision} was saved in the meantime`),
    h('p', {}, `${theirs.author} saved while you were drawing. Nothing was overwritten. ${summary(merged)}`),
    number > 0 && h('ul', { class: 'conflicts', tabindex: '0' }, ...choices.map((c) => c.row)),
    h(
      'footer',
      {},
      h('button', { type: 'button', onclick: close }, 'Decide later'),
      h('button', { type: 'button', class: 'primary', onclick: apply, autofocus: true }, 'Merge both'),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {Merge} merged */
function summary({ taken, conflicts }) {
  const counted = (/** @type {number} */ n) => (n === 1 ? '1 outline' : `${n} outlines`);
  const theirs = taken > 0 ? `Their changes to ${counted(taken)} are added to yours. ` : '';
  if (conflicts.length === 0) return theirs || 'Both made the same changes.';
  return `${theirs}Both changed ${counted(conflicts.length)}; choose which to keep:`;
}

/** @param {string} name @param {string} text @param {boolean} checked */
function radio(name, text, checked) {
  const input = h('input', { type: 'radio', name: `conflict-${name}`, checked });
  return { input, label: h('label', { class: 'check' }, input, text) };
}
