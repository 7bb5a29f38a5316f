/** Revisions: what changed since one, going back to one; and the moved-camera view. */

import { h } from '../../../shared/dom.js';
import { diff } from '../model/diff.js';
import { button } from './fields.js';

/** @typedef {import('../model/store.js').State} State */

const SHOWN = 60;

/** @param {import('../app.js').App} app */
export function historyPanel(app) {
  const list = h('ol', { class: 'revisions' });
  const comparison = h('section', { class: 'card', 'aria-label': 'Comparison' });
  const element = h('div', { class: 'panel-body' }, comparison, h('h2', {}, 'Revisions'), list);

  /** @param {State} state @param {State} before */
  function update(state, before) {
    const keys = /** @type {(keyof State)[]} */ (['doc', 'revisions', 'compare', 'align', 'base']);
    if (keys.every((key) => state[key] === before[key])) return;
    const rows = [...state.revisions].reverse().map((r) => revision(state, r));
    list.replaceChildren(...(rows.length > 0 ? rows : [h('li', { class: 'muted' }, 'Nothing saved yet.')]));
    comparison.hidden = !state.align && !state.compare && !app.server.changed;
    comparison.replaceChildren(...(state.align ? alignment(state.align) : changes(state)));
  }

  /** @param {State} state @param {import('../types.js').Revision} r */
  function revision(state, r) {
    const current = r.revision === state.base.revision;
    return h(
      'li',
      { class: current ? 'current' : '' },
      h(
        'div',
        {},
        h('strong', {}, `Revision ${r.revision}`),
        current && h('span', { class: 'chip' }, 'current'),
      ),
      h('div', { class: 'muted' }, `${r.bays} bays · ${r.author}${r.time ? ` · ${when(r.time)}` : ''}`),
      r.note && h('div', { class: 'muted' }, r.note),
      h(
        'div',
        { class: 'buttons' },
        button('Compare', () => void app.server.compareWith(r.revision)),
        !current &&
          button('Restore this revision', () => void app.server.rollBack(r.revision), { icon: 'back' }),
      ),
    );
  }

  /** @param {State} state @returns {HTMLElement[]} */
  function changes(state) {
    const against = state.compare?.doc ?? state.base.doc;
    const title =
      state.compare?.title ??
      (state.base.revision > 0 ? `revision ${state.base.revision}` : 'an empty calibration');
    const found = diff(against, state.doc);
    const verb = { added: '+', removed: '−', changed: '~' };
    return [
      h('h2', {}, `Changes since ${title}`),
      h('p', { class: 'muted' }, found.length === 0 ? 'No differences.' : summary(found)),
      h(
        'ul',
        { class: 'changes' },
        ...found
          .slice(0, SHOWN)
          .map((c) =>
            h(
              'li',
              { class: c.what },
              h('span', { class: 'verb', 'aria-label': c.what }, verb[c.what]),
              h('strong', {}, c.title),
              h('span', { class: 'muted' }, c.details.join(', ')),
            ),
          ),
      ),
      found.length > SHOWN && h('p', { class: 'muted' }, `and ${found.length - SHOWN} more`),
      h(
        'div',
        { class: 'buttons' },
        state.compare
          ? button('Close comparison', () => app.store.set({ compare: null }), { icon: 'cross' })
          : state.base.revision > 0 &&
              button('Show on the image', () => void app.server.compareWith(state.base.revision)),
      ),
    ].filter((part) => part !== false);
  }

  /** @param {import('../types.js').Align} align */
  function alignment(align) {
    return [
      h('h2', {}, 'Camera moved?'),
      h('p', { class: align.accepted ? '' : 'bad' }, align.verdict),
      h(
        'dl',
        { class: 'facts' },
        h('dt', {}, 'Bays move by'),
        h('dd', {}, `${align.shiftPx.toFixed(1)} px`),
        h('dt', {}, 'Matches'),
        h('dd', {}, String(align.inliers)),
        h('dt', {}, 'Match error'),
        h('dd', {}, `${align.errorPx.toFixed(2)} px`),
      ),
      h('p', { class: 'muted' }, 'Dashed: previous position of the bays. Solid: position in this image.'),
      h(
        'div',
        { class: 'buttons' },
        button('Accept', () => app.server.acceptAlign(), {
          icon: 'check',
          class: align.accepted ? 'primary' : 'danger',
        }),
        button('Keep unchanged', () => app.store.set({ align: null }), { icon: 'cross' }),
      ),
    ];
  }
  return { element, update };
}

/** @param {import('../model/diff.js').Change[]} found */
function summary(found) {
  const count = (/** @type {string} */ what) => found.filter((c) => c.what === what).length;
  return ['added', 'changed', 'removed']
    .map((what) => [count(what), what])
    .filter(([n]) => n)
    .map(([n, what]) => `${n} ${what}`)
    .join(', ');
}

/** @param {string} iso */
const when = (iso) =>
  new Date(iso).toLocaleString([], { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
