/** The list of bays, and what can be said of those that are selected. */

import { h } from '../../../shared/dom.js';
import { ANGLES, KINDS } from '../model/document.js';
import { isIdentifier } from '../model/naming.js';
import { refill } from '../ui/dom.js';
import { icon } from '../ui/icons.js';
import { button, choice, labelled } from './fields.js';

/** @typedef {import('../types.js').Bay} Bay */
/** @typedef {import('../model/store.js').State} State */

/** @param {import('../app.js').App} app */
export function baysPanel(app) {
  const form = selectionForm(app);
  const list = h('ul', {
    class: 'bay-list',
    role: 'listbox',
    'aria-label': 'Bays',
    'aria-multiselectable': 'true',
    tabindex: '0',
  });
  const filter = h('input', {
    type: 'search',
    placeholder: 'Filter by id, kind, zone',
    'aria-label': 'Filter bays',
    oninput: () => fill(app.store.state),
  });
  const count = h('span', { class: 'muted' });
  const empty = emptyHint(app);
  const element = h(
    'div',
    { class: 'panel-body' },
    form.element,
    h('div', { class: 'list-head' }, filter, count),
    empty,
    list,
  );

  list.addEventListener('click', (e) => {
    const row = e.target instanceof Element ? e.target.closest('li') : null;
    const uid = row?.dataset.uid;
    if (!uid) return;
    const { selection } = app.store.state;
    const adds = e.shiftKey || e.ctrlKey || e.metaKey;
    app.actions.select(adds ? [...selection.filter((u) => u !== uid), uid] : [uid]);
  });
  list.addEventListener('dblclick', () => app.actions.zoomToSelection());
  list.addEventListener('keydown', (e) => {
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    e.preventDefault();
    app.actions.selectNext(e.key === 'ArrowDown' ? 1 : -1, e.shiftKey);
  });

  /** @param {State} state */
  function fill(state) {
    const wanted = filter.value.trim().toLowerCase();
    const shown = state.doc.bays.filter((bay) =>
      `${bay.id} ${bay.kind} ${bay.zone ?? ''} ${bay.level ?? ''}`.toLowerCase().includes(wanted),
    );
    const selected = new Set(state.selection);
    list.replaceChildren(...shown.map((bay) => row(bay, selected.has(bay.uid), state)));
    list.hidden = shown.length === 0;
    empty.hidden = state.doc.bays.length > 0;
    filter.hidden = state.doc.bays.length === 0;
    count.textContent =
      state.doc.bays.length === 0
        ? ''
        : wanted
          ? `${shown.length} of ${state.doc.bays.length}`
          : `${state.doc.bays.length} ${state.doc.bays.length === 1 ? 'bay' : 'bays'}`;
    const current = state.selection.at(-1);
    list.querySelector(`[data-uid="${current}"]`)?.scrollIntoView({ block: 'nearest' });
    list.setAttribute('aria-activedescendant', current ? `row-${current}` : '');
  }

  return {
    element,
    /** @param {State} state @param {State} before */
    update(state, before) {
      form.update(state, before);
      const keys = /** @type {(keyof State)[]} */ (['selection', 'live', 'liveOn', 'findings']);
      if (keys.some((key) => state[key] !== before[key]) || listed(state.doc) !== listed(before.doc))
        fill(state);
    },
  };
}

/** What the list says of the bays; where they lie is not part of it.
 * @param {import('../types.js').Doc} doc */
const listed = (doc) =>
  doc.bays.map((bay) => `${bay.uid} ${bay.id} ${bay.kind} ${bay.zone} ${bay.level}`).join();

/** @param {Bay} bay @param {boolean} selected @param {State} state */
function row(bay, selected, state) {
  const live = state.liveOn ? state.live.get(bay.uid) : undefined;
  const worst = state.findings
    .filter((f) => f.bay === bay.id && f.severity !== 'info')
    .map((f) => f.severity);
  const sign = worst.includes('error') ? 'error' : worst.length > 0 ? 'warn' : null;
  const seen = live && (live.occ === null ? 'unknown' : live.occ ? 'occupied' : 'free');
  return h(
    'li',
    { id: `row-${bay.uid}`, role: 'option', 'aria-selected': String(selected), dataset: { uid: bay.uid } },
    h('span', { class: 'id' }, bay.id),
    h(
      'span',
      { class: 'muted what' },
      [bay.kind === 'standard' ? '' : bay.kind, bay.zone ?? '', bay.level ?? ''].filter(Boolean).join(' · '),
    ),
    sign && h('span', { class: `sign ${sign}`, title: 'See Problems' }, icon(sign)),
    seen &&
      h(
        'span',
        { class: `state ${seen}` },
        seen === 'unknown'
          ? '?'
          : `${seen === 'occupied' ? '●' : '○'} ${Math.round(/** @type {any} */ (live).conf * 100)}%`,
      ),
  );
}

/** @param {import('../app.js').App} app */
function emptyHint(app) {
  return h(
    'div',
    { class: 'empty' },
    h('p', {}, 'No bays yet. A row takes four clicks:'),
    h(
      'div',
      { class: 'buttons column' },
      button('Lay out a row', () => app.actions.setTool('row'), { icon: 'row', class: 'primary' }),
      button('Draw a single bay', () => app.actions.setTool('polygon'), { icon: 'polygon' }),
      app.session.can_propose &&
        button('Find bays from parked cars', () => void app.server.propose(), { icon: 'find' }),
    ),
  );
}

/** @param {import('../app.js').App} app */
function selectionForm(app) {
  const { actions } = app;
  const id = h('input', {
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false',
    maxlength: 64,
    onchange: () => {
      const value = id.value.trim();
      if (isIdentifier(value)) actions.renumber(value);
      else id.setCustomValidity('Letters, digits, dot, hyphen, underscore; at most 64');
      id.reportValidity();
    },
    oninput: () => id.setCustomValidity(''),
  });
  const kind = choice(KINDS, (value) => actions.changeSelected({ kind: value }));
  const angle = choice(ANGLES, (value) => actions.changeSelected({ angle: value }));
  const zone = h('input', {
    type: 'text',
    autocomplete: 'off',
    list: 'zones',
    maxlength: 64,
    placeholder: 'none',
    onchange: () => {
      const value = zone.value.trim();
      if (value === '' || isIdentifier(value)) actions.changeSelected({ zone: value || null });
      else zone.setCustomValidity('Letters, digits, dot, hyphen, underscore; at most 64');
      zone.reportValidity();
    },
    oninput: () => zone.setCustomValidity(''),
  });
  const zones = h('datalist', { id: 'zones' });
  const level = choice([], (value) => actions.changeSelected({ level: value || null }));
  const levelField = labelled('Level', level);
  const title = h('h2', {});
  const idLabel = labelled('Id', id);
  const element = h(
    'section',
    { class: 'card', 'aria-label': 'Selected bays' },
    title,
    idLabel,
    h('div', { class: 'pair' }, labelled('Kind', kind), labelled('Angle', angle)),
    h('div', { class: 'pair' }, labelled('Zone', zone), levelField),
    zones,
    h(
      'div',
      { class: 'buttons' },
      button('Copy along the lot', () => actions.copyRow(), { icon: 'copy' }),
      button('Delete', () => actions.remove(), { icon: 'trash', class: 'danger' }),
    ),
  );

  /** @param {Bay[]} bays @param {'kind'|'angle'|'zone'|'level'} key */
  const common = (bays, key) =>
    bays.every((bay) => bay[key] === bays[0][key]) ? (bays[0][key] ?? '') : null;

  /** @param {State} state @param {State} before */
  function update(state, before) {
    if (state.doc === before.doc && state.selection === before.selection) return;
    const chosen = new Set(state.selection);
    const bays = state.doc.bays.filter((bay) => chosen.has(bay.uid));
    element.hidden = bays.length === 0;
    if (bays.length === 0) return;
    const fresh = state.selection !== before.selection;
    title.textContent = bays.length === 1 ? `Bay ${bays[0].id}` : `${bays.length} bays`;
    const label = idLabel.querySelector('label');
    if (label) label.textContent = bays.length === 1 ? 'Id' : 'Renumber from';
    if (fresh) id.value = bays[0].id;
    else refill(id, bays[0].id);
    for (const [field, key] of /** @type {[HTMLSelectElement, 'kind'|'angle'][]} */ ([
      [kind, 'kind'],
      [angle, 'angle'],
    ])) {
      field.value = common(bays, key) ?? '';
    }
    refill(zone, common(bays, 'zone') ?? '');
    zone.placeholder = common(bays, 'zone') === null ? 'several' : 'none';
    zones.replaceChildren(
      ...[...new Set(state.doc.bays.map((b) => b.zone).filter(Boolean))].map((z) =>
        h('option', { value: z }),
      ),
    );
    const levels = state.doc.lot.levels;
    levelField.hidden = levels.length === 0;
    level.replaceChildren(
      h('option', { value: '' }, 'none'),
      ...levels.map((l) => h('option', { value: l }, l)),
    );
    level.value = common(bays, 'level') ?? '';
  }
  element.hidden = true;
  return { element, update };
}
