/** Import and export. */

import { h } from '../../../shared/dom.js';
import { choice, iconButton, labelled } from '../panels/fields.js';

/** @type {Record<string, string>} */
const NAMES = {
  auto: 'Recognise by itself',
  lotsight: 'lotsight calibration',
  ultralytics: 'Ultralytics bounding_boxes.json',
  coco: 'COCO',
  roboflow: 'Roboflow',
  pklot: 'PKLot XML',
  frigate: 'Frigate zones',
  geojson: 'GeoJSON',
};

/** @param {readonly string[]} formats @returns {[string, string][]} */
const named = (formats) => formats.map((f) => [f, NAMES[f] ?? f]);

/** @param {import('../app.js').App} app */
export function showFiles(app) {
  const { imports, exports } = app.session.formats;
  const file = h('input', { type: 'file', accept: '.json,.xml,.yml,.yaml,.txt,.geojson' });
  const from = choice(named(imports), () => {});
  const to = choice(named(exports), () => {});
  const dialog = h(
    'dialog',
    { class: 'files', 'aria-labelledby': 'files-title' },
    h(
      'header',
      {},
      h('h2', { id: 'files-title' }, 'Import and export'),
      iconButton('cross', 'Close', () => dialog.close()),
    ),
    h(
      'form',
      {
        class: 'card',
        onsubmit: (/** @type {Event} */ e) => {
          e.preventDefault();
          const chosen = file.files?.[0];
          if (!chosen) return file.focus();
          dialog.close();
          return void app.server.importFrom(chosen, from.value);
        },
      },
      h('h3', {}, 'Import'),
      labelled('File', file),
      labelled('Form', from),
      h('button', { type: 'submit', class: 'primary' }, 'Add its bays'),
    ),
    h(
      'form',
      {
        class: 'card',
        onsubmit: (/** @type {Event} */ e) => {
          e.preventDefault();
          dialog.close();
          void app.server.exportAs(to.value);
        },
      },
      h('h3', {}, 'Export'),
      labelled('Form of the export', to),
      h('button', { type: 'submit', class: 'primary' }, 'Download'),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (e) => e.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}
