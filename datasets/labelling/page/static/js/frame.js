/** The bar round the review: modes, progress, reviewer, keys, help. */

import { iconButton, labelled } from '../../editor/js/panels/fields.js';
import { helpDialog, keySections } from '../../editor/js/ui/help.js';
import { icon } from '../../editor/js/ui/icons.js';
import { toastError } from '../../editor/js/ui/notices.js';
import { toggleTheme } from '../../editor/js/ui/theme.js';
import { byId, h } from '../../shared/dom.js';
import { duration } from './words.js';

/** @typedef {import('./review.js').Review} Review */

const KEYS = [
  { group: 'One bay', title: 'Occupied', keys: ['O', '→'] },
  { group: 'One bay', title: 'Free', keys: ['F', '←'] },
  { group: 'One bay', title: 'Cannot tell from the image', keys: ['U', '↓'] },
  { group: 'One bay', title: 'Accept the suggestion', keys: ['Space'] },
  {
    group: 'Many bays',
    title: 'Mark as wrong; again: cannot tell; again: reset',
    keys: ['1', '…', 'N'],
  },
  { group: 'Many bays', title: 'Go to a bay; Space marks it', keys: ['←', '↑', '→', '↓'] },
  { group: 'Many bays', title: 'Confirm all on screen', keys: ['Enter'] },
  { group: 'Always', title: 'Undo the last screen', keys: ['Z', 'Backspace', 'Mod+Z'] },
  { group: 'Always', title: 'One bay or many at once', keys: ['M'] },
  { group: 'Always', title: 'Hide or show outlines', keys: ['H'] },
  { group: 'Always', title: 'Dark or light theme', keys: ['L'] },
  { group: 'Always', title: 'All shortcuts', keys: ['?'] },
];
const TOUCH = [
  [['Tap a bay'], 'With many bays: mark a wrong one'],
  [['Tap the large buttons'], 'Answer, or confirm all on screen'],
];

/** @param {Review} review @param {{name: string, known: string[], rename: (name: string) => void}} person */
export function bar(review, person) {
  const modeButton = (
    /** @type {'single'|'grid'|'settle'} */ mode,
    /** @type {string} */ text,
    /** @type {string} */ title,
  ) => h('button', { type: 'button', id: `mode-${mode}`, title, onclick: () => choose(mode) }, text);
  byId('modes').append(
    modeButton('grid', 'Many', 'Many bays at once (M)'),
    modeButton('single', 'One', 'One bay at a time (M)'),
    modeButton('settle', 'Disputes', 'Bays that reviewers disagree on'),
  );
  const undo = iconButton('undo', 'Undo (Z)', () => void review.undo().catch(toastError));
  undo.id = 'do-undo';
  const theme = iconButton('theme', 'Dark or light theme (L)', toggleTheme);
  theme.id = 'do-theme';
  byId('buttons').append(undo, theme, iconButton('help', 'All shortcuts (?)', help));
  byId('reviewer').addEventListener('click', () => askName(person));
  keys();

  return draw;

  /** @param {'single'|'grid'|'settle'} mode */
  function choose(mode) {
    byId('main').focus({ preventScroll: true });
    if (mode !== review.mode || !review.screen) void review.start(mode).catch(toastError);
  }

  function help() {
    helpDialog([...keySections(KEYS), ['Touch', /** @type {[string, (Node|string)[][]][1]} */ (TOUCH)]], () =>
      byId('main').focus(),
    );
  }

  function keys() {
    document.addEventListener('keydown', (e) => {
      if (document.querySelector('dialog[open]') || e.altKey) return;
      const mod = e.ctrlKey || e.metaKey;
      const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
      if (mod && key !== 'z') return;
      // A button of the bar that has the focus keeps its own keys.
      if ([' ', 'Enter'].includes(e.key) && e.target instanceof Element && e.target.closest('header')) return;
      if (e.key === ' ' && e.target instanceof Element && e.target.closest('button')) return;
      // A key that is held down answers once: it must not run through the queue.
      const taken = e.repeat
        ? review.screen !== null && !e.key.startsWith('Arrow')
        : (!mod && (review.screen?.key(e) ?? false)) || general(key);
      if (taken) e.preventDefault();
    });
  }

  /** @param {string} key */
  function general(key) {
    if (key === 'z' || key === 'Backspace') void review.undo().catch(toastError);
    else if (key === 'm') choose(review.mode === 'grid' ? 'single' : 'grid');
    else if (key === 'h') document.documentElement.toggleAttribute('data-bare');
    else if (key === 'l') toggleTheme();
    else if (key === '?') help();
    else return false;
    return true;
  }

  function draw() {
    const { progress } = review;
    for (const mode of ['grid', 'single', 'settle'])
      byId(`mode-${mode}`).setAttribute('aria-pressed', String(mode === review.mode));
    byId('reviewer').replaceChildren(icon('label'), h('span', {}, person.name));
    byId('reviewer').title = `Reviewer: ${person.name}`;
    byId('reviewer').setAttribute('aria-label', `Reviewer: ${person.name}`);
    if (!progress) return;
    byId('mode-settle').hidden = progress.disputed === 0 && review.mode !== 'settle';
    byId('mode-settle').textContent = `Disputes (${progress.disputed})`;
    byId('done').max = Math.max(1, progress.asked);
    byId('done').value = progress.answered;
    const rate = progress.per_minute;
    const parts = [`${progress.answered} of ${progress.asked}`, `${progress.corrected} corrected`];
    if (rate) parts.push(`${Math.round(rate)} per minute`);
    if (rate && progress.left > 0) parts.push(`${duration((60 * progress.left) / rate)} left`);
    byId('figures').textContent = parts.join(' · ');
  }
}

/** @param {{name: string, known: string[], rename: (name: string) => void}} person */
function askName(person) {
  const field = h('input', {
    type: 'text',
    name: 'reviewer',
    maxlength: 40,
    required: true,
    autocomplete: 'off',
    value: person.name,
    list: 'known-reviewers',
  });
  const known = h(
    'datalist',
    { id: 'known-reviewers' },
    ...person.known.map((name) => h('option', { value: name })),
  );
  const dialog = h(
    'dialog',
    { class: 'name', 'aria-labelledby': 'name-title' },
    h(
      'header',
      {},
      h('h2', { id: 'name-title' }, 'Who is reviewing?'),
      iconButton('cross', 'Close', () => dialog.close()),
    ),
    h(
      'form',
      {
        onsubmit: (/** @type {Event} */ e) => {
          e.preventDefault();
          const name = field.value.trim();
          if (!name) return;
          dialog.close();
          person.rename(name);
        },
      },
      labelled('Name', field, 'Stored with each answer. Use one name per person throughout a queue.'),
      known,
      h('footer', {}, h('button', { type: 'submit', class: 'primary' }, 'Use this name')),
    ),
  );
  dialog.addEventListener('close', () => {
    dialog.remove();
    byId('main').focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  field.select();
}
