/** Puts the page together. */

import { Api } from '../../editor/js/api.js';
import { toast, toastError } from '../../editor/js/ui/notices.js';
import { restoreTheme } from '../../editor/js/ui/theme.js';
import { byId, h } from '../../shared/dom.js';
import { bar } from './frame.js';
import { readLayout } from './grid.js';
import { Outbox } from './outbox.js';
import { Review } from './review.js';

const NAME_KEY = 'lotsight-reviewer';

async function start() {
  restoreTheme();
  const api = new Api('');
  api.base = 'api';
  api.away = 'Cannot reach the server; answers are kept in this browser until it is back.';
  const [session] = await Promise.all([api.session(), readLayout()]);
  const { queue, made, reviewers } = /** @type {any} */ (session);
  byId('queue').textContent = queue;
  document.title = `${queue} · Label review`;

  const person = {
    name: localStorage.getItem(NAME_KEY) ?? /** @type {any} */ (session).reviewer,
    known: reviewers,
    rename: (/** @type {string} */ name) => {
      localStorage.setItem(NAME_KEY, name);
      person.name = name;
      void review.start(review.mode).catch(toastError);
    },
  };
  const outbox = new Outbox(
    api,
    `lotsight-answers-${queue}-${made}`,
    (progress, waiting, fault) => {
      const kept = byId('kept');
      const state = waiting === 0 ? 'kept' : fault === null ? 'sending' : 'waiting';
      kept.dataset.state = state;
      kept.textContent = { kept: 'Saved', sending: 'Saving', waiting: `${waiting} not saved yet` }[state];
      kept.title = fault ?? '';
      if (progress) {
        review.progress = progress;
        draw();
      }
    },
    (message) => toast(message, { kind: 'error' }),
  );
  const review = new Review(
    api,
    outbox,
    () => person.name,
    () => draw(),
  );
  const draw = bar(review, person);
  draw();
  await outbox.flush();
  byId('kept').textContent = outbox.waiting > 0 ? byId('kept').textContent : '';
  const mode = new URLSearchParams(location.search).get('mode');
  await review.start(mode === 'single' || mode === 'settle' ? mode : 'grid');
  byId('main').focus({ preventScroll: true });
  document.documentElement.dataset.ready = 'true';
}

start().catch((error) => {
  byId('main').replaceChildren(
    h(
      'div',
      { class: 'failed', role: 'alert' },
      h('h2', {}, 'The review could not start'),
      h('p', {}, error instanceof Error ? error.message : String(error)),
      h('button', { type: 'button', class: 'primary', onclick: () => location.reload() }, 'Try again'),
    ),
  );
});
