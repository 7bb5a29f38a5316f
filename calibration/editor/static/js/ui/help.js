/** The page of keys. */

import { h } from '../../../shared/dom.js';
import { iconButton } from '../panels/fields.js';

const POINTER = [
  ['Click, drag', 'Select; move corners, edges or whole bays'],
  ['Shift + click', 'Select several'],
  ['Drag on the background', 'Select all bays in the rectangle'],
  ['Click a mask or an area', 'Select it; then drag to move it'],
  ['Double click an edge', 'Add a corner; on a corner: remove it'],
  ['Drag with a drawing tool', 'Draw a rectangle'],
  ['Alt while dragging', 'No snapping; neighbours stay in place'],
  ['Wheel, two fingers', 'Zoom; Shift + wheel moves sideways'],
  ['Space or middle button + drag', 'Move the view'],
];

const ARROWS = [
  ['Arrow keys', 'Move selection, corner or crosshair; Shift: larger steps'],
  ['Ctrl + arrow keys', 'Move the crosshair by one pixel while drawing'],
];

const MAC = /Mac|iP(hone|ad)/.test(navigator.userAgent);

/** @param {string} key */
export const keyName = (key) =>
  key
    .replace('Mod', MAC ? '⌘' : 'Ctrl')
    .replace('Shift+>', 'Shift+.')
    .replace('Escape', 'Esc')
    .split('+')
    .map((part, i, all) => (part === '' && i === all.length - 1 ? '+' : part))
    .filter(Boolean)
    .join(' + ');

/** Keys, each on its cap. @param {string[]} keys */
const caps = (keys) => keys.flatMap((key, i) => [i > 0 ? ' ' : '', h('kbd', {}, keyName(key))]);

/** @typedef {{title: string, keys: string[], group: string}} Key */
/** @typedef {[string, (Node|string)[][]]} Section */

/** The keys of commands, a section for each group. @param {readonly Key[]} commands @returns {Section[]} */
export const keySections = (commands) =>
  [...new Set(commands.map((c) => c.group))].map((group) => [
    group,
    commands
      .filter((c) => c.group === group)
      .map((c) => [
        h(
          'span',
          {},
          ...caps(c.keys.filter((k) => !k.endsWith('<') && !k.endsWith(':') && k !== '=').slice(0, 5)),
        ),
        c.title,
      ]),
  ]);

/** @param {readonly Section[]} sections @param {() => void} closed */
export function helpDialog(sections, closed) {
  const section = (/** @type {Section} */ [title, rows]) =>
    h(
      'section',
      {},
      h('h3', {}, title),
      h('dl', {}, ...rows.map(([keys, text]) => h('div', {}, h('dt', {}, keys), h('dd', {}, text)))),
    );
  const dialog = h(
    'dialog',
    { class: 'help', 'aria-labelledby': 'help-title' },
    h(
      'header',
      {},
      h('h2', { id: 'help-title' }, 'Shortcuts and gestures'),
      iconButton('cross', 'Close', () => dialog.close()),
    ),
    h(
      'div',
      { class: 'columns', tabindex: '0', role: 'group', 'aria-label': 'All shortcuts and gestures' },
      ...sections.map(section),
    ),
  );
  dialog.addEventListener('close', () => {
    dialog.remove();
    closed();
  });
  dialog.addEventListener('click', (e) => e.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {import('../app.js').App} app */
export const showHelp = (app) =>
  helpDialog([['Pointer', POINTER], ...keySections(app.commands), ['Arrows', ARROWS]], () =>
    app.stage.svg.focus({ preventScroll: true }),
  );
