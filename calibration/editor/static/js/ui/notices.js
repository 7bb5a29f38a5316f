/** Short notes at the foot of the page, and the words for screen readers. */

import { byId, h } from '../../../shared/dom.js';

const SHOWN_MS = 4500;

/** @param {string} text @param {{kind?: 'info'|'error', action?: string, run?: () => void}} [options] */
export function toast(text, { kind = 'info', action, run } = {}) {
  const note = h(
    'div',
    { class: `toast ${kind}`, role: kind === 'error' ? 'alert' : 'status' },
    h('span', {}, text),
  );
  const away = () => note.remove();
  if (action && run) {
    note.append(
      h(
        'button',
        {
          type: 'button',
          onclick: () => {
            run();
            away();
          },
        },
        action,
      ),
    );
  }
  const shelf = byId('toasts');
  // One thing at a time: plain news takes the place of older plain news.
  if (!action) for (const old of shelf.querySelectorAll('.toast.info:not(:has(button))')) old.remove();
  shelf.append(note);
  while (shelf.children.length > 2) shelf.firstElementChild?.remove();
  setTimeout(away, kind === 'error' ? 2 * SHOWN_MS : SHOWN_MS);
}

/** @param {unknown} error */
export const toastError = (error) =>
  toast(error instanceof Error ? error.message : String(error), { kind: 'error' });

/** Tell a screen reader, without showing it. @param {string} text */
export function announce(text) {
  byId('announcer').textContent = text;
}
