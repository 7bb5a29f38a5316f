/** Settings of the row that is being laid out; shown on the picture as they change. */

import { h } from '../../../shared/dom.js';
import { KINDS } from '../model/document.js';
import { rowIds } from '../model/row.js';
import { refill } from '../ui/dom.js';
import { icon } from '../ui/icons.js';
import { button, choice, labelled, stepper } from './fields.js';

/** @typedef {import('../model/store.js').State} State */
/** @typedef {import('../types.js').Row} Row */

/** @param {import('../app.js').App} app */
export function rowPanel(app) {
  const { actions } = app;
  const change = (/** @type {Partial<Row>} */ patch) => actions.changeRow(patch);
  const text = (/** @type {string} */ placeholder, /** @type {(value: string) => void} */ run) => {
    const field = h('input', {
      type: 'text',
      autocomplete: 'off',
      spellcheck: 'false',
      placeholder,
      oninput: () => run(field.value.trim()),
    });
    return field;
  };
  const toggle = (/** @type {string} */ label, /** @type {(on: boolean) => void} */ run) => {
    const box = h('input', { type: 'checkbox', onchange: () => run(box.checked) });
    return { box, element: h('label', { class: 'check' }, box, label) };
  };

  const guide = h('p', { class: 'guide', role: 'status' });
  const count = stepper({ min: 1, max: 200, onchange: (value) => change({ count: value }) });
  const pattern = text('A01', (value) => value && change({ pattern: value }));
  const lines = choice(
    [
      ['1', 'Single row'],
      ['2', 'Two rows, back to back'],
    ],
    (v) => change({ lines: v === '2' ? 2 : 1 }),
  );
  const split = h('input', {
    type: 'range',
    min: 0.2,
    max: 0.8,
    step: 0.01,
    oninput: () => change({ split: Number(split.value) }),
  });
  const skew = h('input', {
    type: 'range',
    min: -2,
    max: 2,
    step: 0.05,
    oninput: () => change({ skew: Math.abs(Number(skew.value)) < 0.08 ? 0 : Number(skew.value) }),
  });
  const step = stepper({ min: 1, max: 100, onchange: (value) => change({ step: value }) });
  const skip = text('4, 13', (value) => change({ skip: value }));
  const reverse = toggle('Number from the far end', (on) => change({ reverse: on }));
  const snake = toggle('Second row numbered backwards', (on) => change({ snake: on }));
  const herringbone = toggle('Second row slants the other way', (on) => change({ herringbone: on }));
  const kind = choice(KINDS, (value) => change({ kind: value }));
  const zone = text('none', (value) => change({ zone: value || null }));
  const ids = h('p', { class: 'muted ids' });
  const even = button('Space evenly', () => change({ dividers: null }));
  // A submit button, so that Enter in any field creates the row.
  const create = h(
    'button',
    { type: 'submit', class: 'primary wide' },
    icon('check'),
    h('span', {}, 'Create row'),
  );
  const splitField = labelled('Middle line', split);

  const form = h(
    'form',
    {
      class: 'card',
      novalidate: true,
      onsubmit: (/** @type {Event} */ e) => {
        e.preventDefault();
        actions.createRow();
      },
    },
    h('div', { class: 'pair' }, wrap('Bays in the row', count), labelled('First id', pattern)),
    ids,
    h(
      'div',
      { class: 'buttons' },
      button('Turn', () => actions.turnRow(), { icon: 'turn', title: 'Swap length and depth (T)' }),
      even,
      button('Start over', () => change({ corners: [], dividers: null }), { icon: 'back' }),
    ),
    create,
    h(
      'details',
      {},
      h('summary', {}, 'Angled, double, numbering'),
      labelled('Rows', lines),
      splitField,
      labelled('Slant of angled bays', skew),
      herringbone.element,
      h('div', { class: 'pair' }, wrap('Step', step), labelled('Skip', skip)),
      reverse.element,
      snake.element,
      h('div', { class: 'pair' }, labelled('Kind', kind), labelled('Zone', zone)),
    ),
  );
  const element = h('div', { class: 'panel-body' }, guide, form);

  document.addEventListener('row-ready', () => {
    // On a touch screen the keyboard would cover the picture; the stepper's buttons serve there.
    if (matchMedia('(pointer: coarse)').matches) return;
    requestAnimationFrame(() => {
      count.field.focus({ preventScroll: true });
      count.field.select();
    });
  });

  /** @param {State} state @param {State} before */
  function update(state, before) {
    const row = state.row;
    if (row === before.row && state.copy === before.copy && state.doc === before.doc) return;
    guide.textContent = guideFor(state);
    if (!row) return;
    const ready = row.corners.length === 4;
    create.disabled = !ready || state.copy !== null;
    even.disabled = row.dividers === null;
    create
      .querySelector('span')
      ?.replaceChildren(ready ? `Create ${row.count * row.lines} bays` : 'Create row');
    for (const [field, value] of /** @type {[HTMLInputElement, any][]} */ ([
      [count.field, row.count],
      [pattern, row.pattern],
      [lines, row.lines],
      [split, row.split],
      [skew, row.skew],
      [step.field, row.step],
      [skip, row.skip],
      [kind, row.kind],
      [zone, row.zone ?? ''],
    ]))
      refill(field, String(value));
    reverse.box.checked = row.reverse;
    snake.box.checked = row.snake;
    herringbone.box.checked = row.herringbone;
    splitField.hidden = snake.element.hidden = row.lines === 1;
    herringbone.element.hidden = row.lines === 1 || row.skew === 0;
    const list = rowIds(row);
    const taken = actions.taken;
    const clash = list.filter((id) => taken.has(id));
    ids.textContent =
      clash.length > 0
        ? `Taken: ${clash.slice(0, 4).join(', ')}${clash.length > 4 ? ' …' : ''}`
        : `${list[0]} to ${list[list.length - 1]}`;
    ids.classList.toggle('bad', clash.length > 0);
  }
  return { element, update };
}

/** @param {string} text @param {ReturnType<typeof stepper>} part */
function wrap(text, part) {
  const field = labelled(text, part.field);
  part.field.replaceWith(part.element);
  part.element.querySelector('button')?.after(part.field);
  return field;
}

/** @param {State} state */
function guideFor({ row, copy }) {
  if (copy) return 'Move the copy into place and click; it keeps the perspective.';
  const placed = row?.corners.length ?? 0;
  if (placed === 4) return 'Set the number of bays, then Enter. Drag corners and dividers to fit.';
  return [
    'Click the four corners of a row. It is numbered from the first.',
    'Second corner: along the row.',
    'Third corner.',
    'Last corner.',
  ][placed];
}
