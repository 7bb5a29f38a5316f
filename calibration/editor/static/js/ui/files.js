/** Import and export. */

import { h } from '../../../shared/dom.js';
import { choice, iconButton, labelled } from '../panels/fields.js';

/** @type {Record<string, string>} */
const NAMES = {
  auto: 'Detect automatically',
  lotsight: 'lotsight calibration',
  ultralytics: 'Ultralytics bounding_boxes.json',
  coco: 'COCO',
  roboflow: 'Roboflow',
  pklot: 'PKLot XML',
  frigate: 'Frigate zones',
  geojson: 'GeoJSON',
  'bays-json': 'JSON with width, height, bays',
  acpds: 'ACPDS',
  cvat: 'CVAT XML',
  labelme: 'labelme',
  via: 'VIA (VGG Image Annotator)',
  'label-studio': 'Label Studio',
  supervisely: 'Supervisely',
  coordinates: 'YAML of coordinates',
  rows: 'Rows of numbers',
  corners: 'CarParkPos, top-left corners',
  mask: 'Mask image, one blob per bay',
  voc: 'Pascal VOC XML',
};

/** @param {readonly string[]} formats @returns {[string, string][]} */
const named = (formats) => formats.map((f) => [f, NAMES[f] ?? f]);

/** @param {import('../app.js').App} app */
export function showFiles(app) {
  const { imports, exports } = app.session.formats;
  // No list of endings: what a file is, its content says, and some have none.
  const file = h('input', { type: 'file' });
  const category = h('input', { type: 'text', placeholder: 'bay' });
  const item = h('input', { type: 'text', placeholder: 'north.jpg' });
  const box = h('input', { type: 'text', placeholder: '107x48', pattern: '[0-9]{1,5}x[0-9]{1,5}' });
  const stretch = h('input', { type: 'checkbox' });
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
          return void app.server.importFrom(chosen, {
            format: from.value,
            item: item.value.trim(),
            categories: category.value
              .split(',')
              .map((label) => label.trim())
              .filter(Boolean),
            box: box.value.trim(),
            stretch: stretch.checked,
          });
        },
      },
      h('h3', {}, 'Import'),
      labelled('File', file),
      labelled('Format', from),
      h(
        'details',
        {},
        h('summary', {}, 'Details missing from the file'),
        labelled('Labels of the bays', category, 'If other things are labelled too; comma-separated.'),
        labelled('Picture', item, 'If the file has several.'),
        labelled('Size of a bay in pixels', box, 'For lists of top-left corners (CarParkPos).'),
        h('label', { class: 'check' }, stretch, 'Drawn on the same view at another aspect ratio'),
      ),
      h('button', { type: 'submit', class: 'primary' }, 'Import bays'),
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
      labelled('Export format', to),
      h('button', { type: 'submit', class: 'primary' }, 'Download'),
    ),
  );
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (e) => e.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}
