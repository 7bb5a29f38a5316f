/** What both pages share: asking the box, lines of the list of changes, the header. */

import { byId, h } from '../shared/dom.js';
import { percent, spaced, timeOfDay } from '../shared/format.js';

/** @typedef {import('./types.js').Change} Change */
/** @typedef {import('./types.js').Report} Report */
/** @typedef {import('./types.js').Status} Status */

/** What the box answers to a GET. @param {string} path @returns {Promise<any>} */
export const ask = async (path) => {
  const answer = await fetch(path, { headers: { Accept: 'application/json' } });
  if (answer.status === 401) window.location.assign(`/login?next=${window.location.pathname}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};

let csrf = '';

/** Tell the box something. @param {string} path @param {unknown} body
 * @returns {Promise<string|null>} why it was not taken; null: it was */
export const say = async (path, body) => {
  const headers = { 'Content-Type': 'application/json', 'X-Lotsight-Csrf': csrf };
  try {
    const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (answer.status === 401) window.location.assign(`/login?next=${window.location.pathname}`);
    return answer.ok
      ? null
      : ((await answer.json().catch(() => null))?.detail ?? `failed (${answer.status})`);
  } catch {
    return 'The box does not answer.';
  }
};

/** @param {Change} change */
export const changeLine = (change) => {
  const said = change.reason ? `unknown: ${spaced(change.reason)}` : change.state;
  const sure = change.occupied === null ? '' : percent(change.confidence);
  return h(
    'li',
    { class: change.state },
    h('span', { class: 'sign', 'aria-hidden': 'true' }),
    h('b', {}, change.bay),
    h('span', { class: 'said' }, said),
    h('span', { class: 'sure' }, sure),
    h('time', { datetime: change.at }, timeOfDay(change.at)),
  );
};

/** Fill a list of facts; those without a value are left out.
 * @param {HTMLElement} list @param {[string, string|number|null|undefined][]} pairs */
export const facts = (list, pairs) => {
  list.replaceChildren(
    ...pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== '')
      .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, String(value)))),
  );
};

/** How many alarms stand, in words; null when there is none. @param {readonly unknown[]} alarms */
export const attention = (alarms) => {
  if (!alarms.length) return null;
  return alarms.length === 1 ? '1 thing needs attention' : `${alarms.length} things need attention`;
};

/** @param {Report} report  what /api/v1/status answers */
export const showHeader = (report) => {
  byId('place').textContent = `${report.site} / ${report.edge}`;
};

/** Place, pages and login in the header. @returns {Promise<Status>} */
export const setUpHeader = async () => {
  const report = await ask('/api/v1/status');
  showHeader(report);
  csrf = report.csrf ?? '';
  byId('edit').hidden = !report.editor;
  const logout = byId('logout');
  logout.hidden = !report.login;
  logout.addEventListener('click', async () => {
    await fetch('/logout', { method: 'POST', headers: { 'X-Lotsight-Csrf': report.csrf ?? '' } });
    window.location.assign('/login');
  });
  return report;
};

/** One connection for all news; the browser comes back by itself after a loss.
 * @param {Record<string, (news: any) => void>} handlers */
export const listen = (handlers) => {
  const link = byId('link');
  const tell = (/** @type {"on"|"off"} */ state, /** @type {string} */ text) => {
    link.dataset.state = state;
    byId('link-text').textContent = text;
  };
  const source = new EventSource('/api/v1/events/stream');
  source.addEventListener('open', () => tell('on', 'live'));
  source.addEventListener('error', () => tell('off', 'connection lost, reconnecting'));
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (message) => handle(JSON.parse(message.data)));
  }
  window.addEventListener('pagehide', () => source.close());
};
