/** What is known of the lot as a whole. */

import { h } from '../../../shared/dom.js';
import { isIdentifier } from '../model/naming.js';
import { refill } from '../ui/dom.js';
import { choice, labelled } from './fields.js';

/** @typedef {import('../model/store.js').State} State */
/** @typedef {import('../types.js').Lot} Lot */

/** @param {import('../app.js').App} app */
export function lotPanel(app) {
  /** @param {Partial<Lot>} patch */
  const change = (patch) =>
    app.store.edit('Change lot details', (doc) => ({ ...doc, lot: { ...doc.lot, ...patch } }));

  const name = h('input', {
    type: 'text',
    maxlength: 200,
    onchange: () => name.value.trim() && change({ name: name.value.trim() }),
  });
  const street = choice(
    [
      ['off_street', 'Off-street: a car park'],
      ['on_street', 'On-street: kerbside'],
    ],
    (value) => change({ street: value }),
  );
  const coordinate = (/** @type {number} */ limit) =>
    h('input', {
      type: 'number',
      step: 'any',
      min: -limit,
      max: limit,
      placeholder: 'unknown',
      onchange: place,
    });
  const lat = coordinate(90);
  const lon = coordinate(180);
  const levels = h('input', {
    type: 'text',
    autocomplete: 'off',
    placeholder: 'none',
    oninput: () => levels.setCustomValidity(''),
    onchange: () => {
      const all = levels.value
        .split(',')
        .map((l) => l.trim())
        .filter(Boolean);
      const wrong = all.find((level) => !isIdentifier(level));
      levels.setCustomValidity(
        wrong ? `"${wrong}" is not a valid level name: use letters, digits, dot, hyphen, underscore` : '',
      );
      if (!levels.reportValidity()) return;
      change({ levels: [...new Set(all)] });
    },
  });

  function place() {
    if (lat.value === '' && lon.value === '') return change({ location: null });
    if (lat.value === '' || lon.value === '' || !lat.reportValidity() || !lon.reportValidity())
      return undefined;
    return change({ location: { lat_deg: Number(lat.value), lon_deg: Number(lon.value) } });
  }

  const element = h(
    'div',
    { class: 'panel-body' },
    h(
      'section',
      { class: 'card', 'aria-label': 'Lot' },
      labelled('Name', name),
      labelled('Kind of place', street),
      h('div', { class: 'pair' }, labelled('Latitude', lat), labelled('Longitude', lon)),
      labelled('Levels', levels, 'Lowest first, comma-separated: P2, P1, G'),
    ),
    h(
      'dl',
      { class: 'facts' },
      h('dt', {}, 'Camera'),
      h('dd', {}, app.session.camera),
      h('dt', {}, 'Source'),
      h('dd', {}, app.session.source),
      h('dt', {}, 'Image'),
      h('dd', {}, `${app.imageWh[0]} × ${app.imageWh[1]} px`),
    ),
  );

  /** @param {State} state @param {State} before */
  function update(state, before) {
    if (state.doc.lot === before.doc.lot) return;
    const { lot } = state.doc;
    refill(name, lot.name);
    refill(street, lot.street);
    refill(lat, lot.location ? String(lot.location.lat_deg) : '');
    refill(lon, lot.location ? String(lot.location.lon_deg) : '');
    refill(levels, lot.levels.join(', '));
  }
  return { element, update };
}
