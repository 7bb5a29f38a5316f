/** Privacy masks and watched areas: what each is called, and how they lie on the picture. */

import { h, s } from '../../../shared/dom.js';
import { MOST_POINTS } from '../model/document.js';
import { WORDS, worstByRegion } from '../model/regions.js';
import { refill } from '../ui/dom.js';
import { icon } from '../ui/icons.js';
import { button, capital, labelled } from './fields.js';

/** @typedef {import('../types.js').Region} Region */
/** @typedef {import('../model/store.js').State} State */

/** @type {Record<Region['kind'], {title: string, means: string, none: string, key: string}>} */
const KINDS = {
  mask: {
    title: 'Privacy masks',
    means: 'Black in every image shown or stored, once saved.',
    none: 'None: the whole image is shown.',
    key: 'B',
  },
  area: {
    title: 'Watched areas',
    means: 'A vehicle here that is not in a bay is reported as an incident with this name.',
    none: 'None: all ground between the bays is watched.',
    key: 'A',
  },
};

/** @param {import('../app.js').App} app */
export function regionsPanel(app) {
  const form = regionForm(app);
  const guide = h('p', { class: 'guide', role: 'status' });
  const lists = [regionList(app, 'mask'), regionList(app, 'area')];
  const shown = h('input', {
    type: 'checkbox',
    onchange: () => app.store.set({ regionsShown: shown.checked }),
  });
  const locked = h('input', {
    type: 'checkbox',
    onchange: () => app.store.set({ regionsLocked: locked.checked }),
  });
  const element = h(
    'div',
    { class: 'panel-body' },
    guide,
    form.element,
    ...lists.map((list) => list.element),
    h(
      'div',
      { class: 'checks' },
      h('label', { class: 'check' }, shown, 'Show on the image'),
      h('label', { class: 'check' }, locked, 'Lock: clicks pass through to the ground'),
    ),
  );

  return {
    element,
    /** @param {State} state @param {State} before */
    update(state, before) {
      const { tool } = state;
      guide.hidden = tool !== 'mask' && tool !== 'area';
      if (tool === 'mask' || tool === 'area') guide.textContent = guideFor(tool, state.polygon.length);
      form.update(state, before);
      for (const list of lists) list.update(state, before);
      shown.checked = state.regionsShown;
      locked.checked = state.regionsLocked;
    },
  };
}

/** @param {Region['kind']} kind @param {number} placed */
function guideFor(kind, placed) {
  if (placed === 0) return `New ${WORDS[kind]}: click its corners, or drag a rectangle.`;
  if (placed < 3) return `${placed} of at least 3 corners. Backspace removes the last one.`;
  return `${placed} of at most ${MOST_POINTS} corners. Enter, a double click or a click on the first closes it.`;
}

/** @param {import('../app.js').App} app @param {Region['kind']} kind */
function regionList(app, kind) {
  const { title, none, key } = KINDS[kind];
  const count = h('span', { class: 'muted' });
  const list = h('ul', {
    class: 'bay-list region-list',
    role: 'listbox',
    'aria-label': title,
    tabindex: '0',
  });
  const empty = h('p', { class: 'muted' }, none);
  const element = h(
    'section',
    { class: 'region-group', 'aria-label': title },
    h(
      'div',
      { class: 'list-head' },
      h('h2', {}, title),
      count,
      h('span', { class: 'grow' }),
      button('Draw', () => app.actions.setTool(kind), {
        icon: kind,
        title: `Draw a ${WORDS[kind]} (${key})`,
      }),
    ),
    empty,
    list,
  );
  const uidOf = (/** @type {Event} */ e) =>
    e.target instanceof Element ? e.target.closest('li')?.dataset.uid : undefined;
  const own = () => app.store.state.doc.regions.filter((region) => region.kind === kind);

  list.addEventListener('click', (e) => {
    const uid = uidOf(e);
    if (!uid) return;
    if (app.store.state.tool !== 'select') app.actions.setTool('select');
    app.actions.select([uid]);
  });
  list.addEventListener('dblclick', () => app.actions.zoomToSelection());
  list.addEventListener('keydown', (e) => {
    const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
    const regions = own();
    if (step === 0 || regions.length === 0) return;
    e.preventDefault();
    const at = regions.findIndex(({ uid }) => uid === app.store.state.selection.at(-1));
    app.actions.select([regions[Math.min(regions.length - 1, Math.max(0, at + step))].uid]);
  });

  /** @param {State} state @param {State} before */
  function update(state, before) {
    if (
      state.doc.regions === before.doc.regions &&
      state.selection === before.selection &&
      state.findings === before.findings
    )
      return;
    const regions = own();
    const worst = worstByRegion(state.doc, state.findings);
    list.replaceChildren(
      ...regions.map((region) => row(region, state.selection.includes(region.uid), worst.get(region.uid))),
    );
    list.hidden = regions.length === 0;
    empty.hidden = regions.length > 0;
    count.textContent = regions.length > 0 ? String(regions.length) : '';
    const current = regions.find(({ uid }) => uid === state.selection.at(-1));
    list.setAttribute('aria-activedescendant', current ? `region-${current.uid}` : '');
    // Who steps through the list follows it; who chose on the picture wants the name in sight.
    if (document.activeElement === list)
      list.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }
  return { element, update };
}

/** @param {Region} region @param {boolean} selected @param {string|undefined} problem */
function row(region, selected, problem) {
  const sign = problem === 'error' ? 'error' : problem ? 'warn' : null;
  return h(
    'li',
    {
      id: `region-${region.uid}`,
      role: 'option',
      'aria-selected': String(selected),
      dataset: { uid: region.uid },
    },
    swatch(region.kind),
    h('span', { class: 'id what' }, region.name),
    sign && h('span', { class: `sign ${sign}`, title: 'See Problems' }, icon(sign)),
    h('span', { class: 'muted' }, `${region.points.length} corners`),
  );
}

/** The look on the picture, in small. @param {Region['kind']} kind */
const swatch = (kind) =>
  s(
    'svg',
    { class: `swatch ${kind}`, viewBox: '0 0 24 18', 'aria-hidden': 'true' },
    s('rect', { class: 'ground', x: 2, y: 2, width: 20, height: 14 }),
    s('path', {
      class: 'hatching',
      d: kind === 'mask' ? 'M3 9l6-6M3 15L15 3M9 15L21 3M15 15l6-6' : 'M9 3l12 12M3 5l10 10',
    }),
    s('rect', { class: 'line', x: 2, y: 2, width: 20, height: 14 }),
  );

/** @param {import('../app.js').App} app */
function regionForm(app) {
  const { actions, store } = app;
  const selected = () =>
    store.state.doc.regions.filter((region) => store.state.selection.includes(region.uid));
  const name = h('input', {
    type: 'text',
    autocomplete: 'off',
    maxlength: 200,
    oninput: () => name.setCustomValidity(''),
    onchange: () => {
      const [region] = selected();
      const value = name.value.trim();
      if (value === '') name.setCustomValidity('A name to display');
      else if (region) actions.renameRegion(region.uid, value);
      name.reportValidity();
    },
  });
  const title = h('h2', {});
  const means = h('p', { class: 'muted' });
  const nameField = labelled('Name', name);
  const element = h(
    'section',
    { class: 'card', 'aria-label': 'Selected mask or area' },
    title,
    nameField,
    means,
    h(
      'div',
      { class: 'buttons' },
      button('Zoom to selection', () => actions.zoomToSelection(), { icon: 'fit' }),
      button('Delete', () => actions.remove(), { icon: 'trash', class: 'danger' }),
    ),
  );
  element.hidden = true;

  /** @param {State} state @param {State} before */
  function update(state, before) {
    if (state.doc.regions === before.doc.regions && state.selection === before.selection) return;
    const regions = selected();
    element.hidden = regions.length === 0;
    if (regions.length === 0) return;
    const [region] = regions;
    nameField.hidden = regions.length > 1;
    title.textContent =
      regions.length > 1 ? `${regions.length} masks and areas` : capital(WORDS[region.kind]);
    means.textContent = regions.length > 1 ? '' : KINDS[region.kind].means;
    if (state.selection !== before.selection) {
      name.setCustomValidity('');
      name.value = region.name;
    } else refill(name, region.name);
  }
  return { element, update };
}
