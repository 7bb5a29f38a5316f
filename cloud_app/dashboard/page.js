// Pages by the address after '#', redrawn when the service says that something changed.

import { follow, get } from './api.js';
import { bayNow, chart, clock, dot, legend, meter } from './charts.js';
import { byId, h } from './shared/dom.js';
import { ago, spaced, span } from './shared/format.js';
import { INCIDENTS } from './shared/vocabulary.js';

/** @typedef {import("./types.js").Lot} Lot */
/** @typedef {import("./types.js").Bay} Bay */
/** @typedef {import("./types.js").Edge} Edge */
/** @typedef {import("./types.js").Alert} Alert */
/** @typedef {import("./types.js").Incident} Incident */
/** @typedef {import("./types.js").EventItem} EventItem */
/** @typedef {import("./types.js").SeriesPoint} SeriesPoint */
/** @typedef {(HTMLElement|null)[]} Content */

const main = byId('main');
const live = byId('live');
const trouble = byId('trouble');
const REFRESH_MS = 15000; // ages and staleness move on without any event

/** @type {Record<string, string>} */
const CAUSES = {
  detection: 'seen',
  camera_lost: 'camera lost',
  startup: 'start',
  manual: 'by hand',
  config: 'new layout',
};

/** @type {Record<string, string>} */
const ENDS = { left: 'gone', config: 'no longer watched', restart: 'box was away', not_told: 'end not told' };

/** A code in words; codes of later versions stay as they are. @param {Readonly<Record<string, string>>} words @param {string|null} code */
const wordFor = (words, code) => (code === null ? '' : (words[code] ?? code));

/** @param {number|string} number @param {string} text @param {import("./types.js").State|null} [state] @param {boolean} [bad] */
function tile(number, text, state, bad = false) {
  return h(
    'div',
    { class: 'tile', 'data-bad': String(bad) },
    h('b', {}, String(number)),
    h('span', {}, state ? dot(state) : null, text),
  );
}

/** @param {Lot} lot */
function lotTitle(lot) {
  return lot.name || lot.lot;
}

/** @returns {Promise<Content>} */
async function lotsPage() {
  /** @type {[Lot[], Edge[], Alert[], Incident[]]} */
  const [lots, edges, alerts, incidents] = await Promise.all([
    get('lots'),
    get('edges'),
    get('alerts?limit=20'),
    get('incidents?open=true&limit=50'),
  ]);
  if (!lots.length) return [emptyCard(edges)];
  /** @type {SeriesPoint[][]} */
  const series = await Promise.all(lots.map((lot) => get(`lots/${lot.site}/${lot.lot}/series?step_s=1800`)));
  const sum = (/** @type {"free"|"occupied"|"unknown"|"stale"} */ state) =>
    lots.reduce((total, lot) => total + lot.counts[state], 0);
  const away = edges.filter((edge) => edge.stale).length;
  const open = alerts.filter((alert) => !alert.closed);
  return [
    h(
      'section',
      { class: 'tiles', 'aria-label': 'All lots' },
      tile(sum('free'), 'free', 'free'),
      tile(sum('occupied'), 'occupied', 'occupied'),
      tile(sum('unknown'), 'unknown', 'unknown'),
      tile(sum('stale'), 'stale', 'stale'),
      tile(`${edges.length - away}/${edges.length}`, 'edges online', null, away > 0),
      tile(open.length, open.length === 1 ? 'open alert' : 'open alerts', null, open.length > 0),
      tile(incidents.length, incidents.length === 1 ? 'open incident' : 'open incidents'),
    ),
    open.length ? alertCard(open) : null,
    incidents.length ? incidentCard(incidents) : null,
    h(
      'section',
      { class: 'lots', 'aria-label': 'Lots' },
      lots.map((lot, i) => lotCard(lot, series[i])),
    ),
  ];
}

/** @param {Lot} lot @param {SeriesPoint[]} series */
function lotCard(lot, series) {
  const { counts } = lot;
  return h(
    'a',
    { class: 'card', href: `#/lot/${lot.site}/${lot.lot}` },
    h('div', { class: 'row' }, h('h2', {}, lotTitle(lot)), h('span', { class: 'soft small' }, lot.site)),
    h(
      'div',
      { class: 'row' },
      h(
        'span',
        {},
        h('span', { class: 'big' }, String(counts.free)),
        h('span', { class: 'soft' }, ` free of ${counts.bays}`),
      ),
      h(
        'span',
        { class: 'soft' },
        lot.occupancy === null ? 'occupancy not known' : `${Math.round(lot.occupancy * 100)} % occupied`,
      ),
    ),
    meter(counts),
    legend(counts),
    chart(series, { width: 320, height: 52 }),
    h(
      'span',
      { class: 'soft small' },
      series.some((point) => point.occupancy !== null)
        ? 'occupied share, last 24 hours'
        : 'no history of the last 24 hours',
    ),
  );
}

/** @param {Edge[]} edges */
function emptyCard(edges) {
  return h(
    'div',
    { class: 'card empty' },
    h('h2', {}, edges.length ? 'No layout yet' : 'No edge box yet'),
    h(
      'p',
      {},
      edges.length
        ? 'Edges are known, but none has told its bays so far.'
        : 'Lots appear here by themselves once an edge box publishes its layout to this broker.',
    ),
  );
}

/** @param {Alert[]} alerts */
function alertCard(alerts) {
  return h(
    'section',
    { class: 'card section', 'aria-label': 'Alerts' },
    h('h2', {}, 'Alerts'),
    h(
      'ul',
      { class: 'feed' },
      alerts.map((alert) =>
        h(
          'li',
          {},
          clock(alert.opened, true),
          h('span', {}, alert.text, alert.closed ? h('span', { class: 'soft' }, ' (over)') : null),
        ),
      ),
    ),
  );
}

/** @param {Incident} incident */
function incidentWhere(incident) {
  return [incident.bays.join(', '), incident.area, incident.vehicle].filter(Boolean).join(' · ');
}

/** @param {Incident[]} incidents */
function incidentCard(incidents) {
  return h(
    'section',
    { class: 'card section', 'aria-label': 'Incidents' },
    h('h2', {}, 'Incidents'),
    h(
      'ul',
      { class: 'feed' },
      incidents.map((incident) =>
        h(
          'li',
          {},
          clock(incident.began, true),
          h(
            'span',
            {},
            h('b', {}, INCIDENTS[incident.kind]),
            ` ${incidentWhere(incident)}`,
            h(
              'span',
              { class: 'soft' },
              ` · ${incident.camera}, ${incident.site} · for ${span(incident.stood_s)}${incident.stale ? ', box away' : ''}`,
            ),
          ),
        ),
      ),
    ),
  );
}

/** @returns {Promise<Content>} */
async function incidentsPage() {
  const incidents = await get('incidents?limit=200');
  return [
    h(
      'section',
      { class: 'card section' },
      h('h1', {}, 'Incidents'),
      incidents.length
        ? h(
            'div',
            { class: 'scroll' },
            h(
              'table',
              {},
              h(
                'thead',
                {},
                h(
                  'tr',
                  {},
                  ['What', 'Where', 'Since', 'Stood', 'State'].map((name) => h('th', { scope: 'col' }, name)),
                ),
              ),
              h('tbody', {}, incidents.map(incidentRow)),
            ),
          )
        : h('p', { class: 'soft' }, 'No incidents.'),
    ),
  ];
}

/** @param {Incident} incident */
function incidentRow(incident) {
  return h(
    'tr',
    {},
    h('td', {}, h('b', {}, INCIDENTS[incident.kind]), h('small', {}, incident.vehicle || '')),
    h(
      'td',
      {},
      [incident.bays.join(', '), incident.area].filter(Boolean).join(' · ') || '–',
      h('small', {}, `${incident.camera} of ${incident.edge}, ${incident.site}`),
    ),
    h('td', {}, clock(incident.began, true)),
    h(
      'td',
      {},
      span(incident.stood_s),
      incident.limit_s === null ? null : h('small', {}, `limit ${span(incident.limit_s)}`),
    ),
    h(
      'td',
      {},
      incident.ended ? wordFor(ENDS, incident.end) : h('b', {}, incident.stale ? 'open, box away' : 'open'),
    ),
  );
}

/** @param {import("./types.js").Dwell} dwell */
function dwellCard(dwell) {
  const groups = [
    dwell.all,
    ...(dwell.zones.length > 1 ? dwell.zones : []),
    ...(dwell.kinds.length > 1 ? dwell.kinds : []),
  ];
  const cell = (/** @type {number|null} */ seconds) => h('td', {}, seconds === null ? '–' : span(seconds));
  return h(
    'section',
    { class: 'card section' },
    h('h2', {}, 'Stays, last 24 hours'),
    h(
      'div',
      { class: 'scroll' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['', 'Stays', 'Median', 'Mean', 'Nine of ten up to', 'Longest'].map((name) =>
              h('th', { scope: 'col' }, name),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          groups.map((group) =>
            h(
              'tr',
              {},
              h('td', {}, h('b', {}, group.name || 'no zone')),
              h(
                'td',
                {},
                String(group.count),
                group.lasting ? h('small', {}, `${group.lasting} still there`) : null,
              ),
              cell(group.median_s),
              cell(group.mean_s),
              cell(group.p90_s),
              cell(group.longest_s),
            ),
          ),
        ),
      ),
    ),
  );
}

/** @param {string} site @param {string} lot @returns {Promise<Content>} */
async function lotPage(site, lot) {
  /** @type {[Lot, Bay[], SeriesPoint[], import("./types.js").Dwell, Incident[]]} */
  const [now, bays, series, dwell, incidents] = await Promise.all([
    get(`lots/${site}/${lot}`),
    get(`lots/${site}/${lot}/bays`),
    get(`lots/${site}/${lot}/series?step_s=900`),
    get(`lots/${site}/${lot}/dwell`),
    get(`incidents?open=true&site=${site}&lot=${lot}`),
  ]);
  const zones = Map.groupBy(bays, zoneOf);
  return [
    h(
      'div',
      { class: 'section' },
      h('a', { class: 'back', href: '#/' }, '← all lots'),
      h(
        'div',
        { class: 'row' },
        h('h1', {}, lotTitle(now)),
        h('span', { class: 'soft' }, [site, ...now.levels.map((level) => `level ${level}`)].join(' · ')),
      ),
    ),
    h(
      'section',
      { class: 'card section' },
      h(
        'div',
        { class: 'row' },
        h(
          'span',
          {},
          h('span', { class: 'big' }, String(now.counts.free)),
          h('span', { class: 'soft' }, ` free of ${now.counts.bays}`),
        ),
        legend(now.counts),
      ),
      meter(now.counts),
    ),
    incidents.length ? incidentCard(incidents) : null,
    h(
      'section',
      { class: 'card section' },
      h('h2', {}, 'Bays now'),
      [...zones].map(([zone, members]) => [
        zones.size > 1 || zone ? h('div', { class: 'zone' }, zone || 'no zone') : null,
        h('div', { class: 'bays' }, members.map(bayButton)),
      ]),
    ),
    h(
      'section',
      { class: 'card section' },
      h('h2', {}, 'Occupied share, last 24 hours'),
      chart(series, { width: 900, height: 190, axis: true }),
    ),
    dwell.all.count || dwell.all.lasting ? dwellCard(dwell) : null,
  ];
}

/** @param {Bay} bay */
function zoneOf(bay) {
  return [bay.level && `level ${bay.level}`, bay.zone && `zone ${bay.zone}`].filter(Boolean).join(' · ');
}

/** @param {Bay} bay */
function bayButton(bay) {
  const now = bayNow(bay);
  const what = now === 'unknown' ? spaced(bay.reason || 'unknown') : now;
  const kind = bay.kind === 'standard' ? null : h('span', { class: 'kind' }, bay.kind);
  const title = [
    `${bay.bay}: ${now}`,
    bay.stale ? `last ${bay.state}` : null,
    bay.conf === null ? null : `confidence ${Math.round(bay.conf * 100)} %`,
    `${bay.camera} of ${bay.edge}`,
  ]
    .filter(Boolean)
    .join('\n');
  return h(
    'button',
    { class: 'bay', type: 'button', 'data-now': now, title, onclick: () => showHistory(bay) },
    h('b', {}, bay.bay, kind),
    h('small', {}, what),
    h('small', {}, bay.since ? span(Math.max(0, (Date.now() - Date.parse(bay.since)) / 1000)) : '–'),
  );
}

/** @param {Bay} bay */
async function showHistory(bay) {
  const dialog = byId('history');
  const week = new Date(Date.now() - 7 * 86400e3).toISOString();
  const stays = await get(`edges/${bay.edge}/bays/${bay.bay}/history?limit=300&start=${week}`);
  dialog.replaceChildren(
    h(
      'div',
      { class: 'section' },
      h(
        'div',
        { class: 'row' },
        h('h2', {}, `Bay ${bay.bay}`),
        h('button', { class: 'quiet', type: 'button', onclick: () => dialog.close() }, 'Close'),
      ),
      h(
        'p',
        { class: 'soft small' },
        `${bay.site} · ${bay.lot} · ${bay.camera} of ${bay.edge} · last 7 days`,
      ),
      stays.length
        ? h(
            'div',
            { class: 'scroll' },
            h(
              'table',
              {},
              h(
                'thead',
                {},
                h(
                  'tr',
                  {},
                  ['State', 'From', 'Stayed', 'Confidence', 'Cause'].map((name) =>
                    h('th', { scope: 'col' }, name),
                  ),
                ),
              ),
              h('tbody', {}, stays.slice(0, 60).map(stayRow)),
            ),
          )
        : h('p', {}, 'No event in this span.'),
    ),
  );
  dialog.showModal();
}

/** @param {import("./types.js").Stay} stay */
function stayRow(stay) {
  return h(
    'tr',
    {},
    h(
      'td',
      {},
      h('span', { class: 'chip' }, dot(stay.state), stay.state),
      stay.reason ? h('small', {}, spaced(stay.reason)) : null,
    ),
    h('td', {}, clock(stay.start, true)),
    h(
      'td',
      {},
      stay.dwell_s === null ? 'still' : span(stay.dwell_s),
      stay.certain ? null : h('small', {}, 'events missing'),
    ),
    h('td', {}, stay.state === 'unknown' ? '–' : `${Math.round(stay.conf * 100)} %`),
    h('td', {}, wordFor(CAUSES, stay.cause)),
  );
}

/** @returns {Promise<Content>} */
async function edgesPage() {
  const [edges, alerts] = await Promise.all([get('edges'), get('alerts?limit=20')]);
  if (!edges.length) return [emptyCard(edges)];
  return [
    h(
      'section',
      { class: 'card section' },
      h('h1', {}, 'Edge boxes'),
      h(
        'div',
        { class: 'scroll' },
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ['Edge', 'State', 'Bays', 'Cameras', 'Stream', 'Outbox', 'Software'].map((name) =>
                h('th', { scope: 'col' }, name),
              ),
            ),
          ),
          h('tbody', {}, edges.map(edgeRow)),
        ),
      ),
    ),
    alerts.length ? alertCard(alerts) : null,
  ];
}

// Whole numbers would round 99.6 up to a promise of 100.
const percent = (/** @type {number} */ share) => (Math.floor(1000 * share) / 10).toString();

/** @param {Edge} edge */
function edgeRow(edge) {
  const { stream } = edge;
  const health = /** @type {any} */ (edge.health); // as its box sent it, whatever its version
  const up = health ? health.cameras.filter((/** @type {any} */ camera) => camera.up).length : null;
  const behind = stream ? stream.top - stream.upto : 0;
  return h(
    'tr',
    {},
    h('td', {}, h('b', {}, edge.edge), h('small', {}, edge.site)),
    h(
      'td',
      {},
      h(
        'span',
        { class: 'chip' },
        dot(edge.stale ? 'stale' : 'free'),
        edge.stale ? edge.stale_reason : 'online',
      ),
      h('small', {}, `heard ${ago(edge.last_seen)}${edge.offline_reason ? `, ${edge.offline_reason}` : ''}`),
    ),
    h('td', {}, String(edge.bays)),
    h(
      'td',
      {},
      health?.cameras.length
        ? `${up} of ${health.cameras.length} up`
        : edge.cameras.length
          ? String(edge.cameras.length)
          : '–',
      health
        ? health.cameras
            .filter((/** @type {any} */ camera) => camera.audit)
            .map((/** @type {any} */ camera) =>
              h(
                'small',
                { title: `${camera.audit.looks} second looks; an estimate, not the truth` },
                `${camera.camera}: ${percent(camera.audit.low)}–${percent(camera.audit.high)} % right`,
              ),
            )
        : null,
    ),
    h(
      'td',
      {},
      stream ? `${stream.upto} events` : '–',
      behind ? h('small', {}, `${behind} on the way`) : null,
      stream?.lost ? h('small', {}, `${stream.lost} lost`) : null,
    ),
    h(
      'td',
      {},
      health ? `${health.outbox.rows} waiting` : '–',
      health && health.temperature_c !== null
        ? h('small', {}, `${Math.round(health.temperature_c)} °C`)
        : null,
    ),
    h('td', {}, edge.software || '–', edge.platform ? h('small', {}, edge.platform) : null),
  );
}

/** @returns {Promise<Content>} */
async function eventsPage() {
  const events = await get('events?limit=100');
  return [
    h(
      'section',
      { class: 'card section' },
      h('h1', {}, 'Last events'),
      events.length
        ? h('ul', { class: 'feed' }, events.map(eventItem))
        : h('p', { class: 'soft' }, 'None yet.'),
    ),
  ];
}

/** @param {EventItem} event */
function eventItem(event) {
  if (event.kind === 'gap') {
    return h(
      'li',
      {},
      clock(event.time, true),
      dot('stale'),
      h('span', {}, `${event.edge} gave up events`, h('span', { class: 'soft' }, ` · ${event.site}`)),
    );
  }
  if (event.kind !== 'changed') {
    const what =
      event.kind === 'incident'
        ? `${wordFor(INCIDENTS, event.cause)} ${event.reason ? 'is over' : 'begins'}`
        : 'an event of a later version';
    return h(
      'li',
      {},
      clock(event.time, true),
      h('span', { class: 'mark' }, '!'),
      h('span', {}, h('b', {}, what), h('span', { class: 'soft' }, ` · ${event.edge}, ${event.site}`)),
    );
  }
  return h(
    'li',
    {},
    clock(event.time, true),
    dot(event.state ?? 'unknown'),
    h(
      'span',
      {},
      h('b', {}, event.bay),
      ` ${event.state}${event.reason ? `: ${spaced(event.reason)}` : ''}`,
      h('span', { class: 'soft' }, ` · ${event.edge}, ${event.site} · ${wordFor(CAUSES, event.cause)}`),
    ),
  );
}

/** The page that the address names. @returns {[string, () => Promise<Content>]} */
function route() {
  const [page, ...rest] = location.hash.replace(/^#\//, '').split('/').map(decodeURIComponent);
  if (page === 'lot' && rest.length === 2) return ['lots', () => lotPage(rest[0], rest[1])];
  if (page === 'edges') return ['edges', edgesPage];
  if (page === 'incidents') return ['incidents', incidentsPage];
  if (page === 'events') return ['events', eventsPage];
  return ['lots', lotsPage];
}

let drawing = false;
let again = false;

/** Draws the page; asked while it draws, it draws once more. */
async function draw() {
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  const [name, page] = route();
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('nav a'))) {
    if (link.dataset.page === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  try {
    show((await page()).filter((part) => part !== null));
    trouble.hidden = true;
  } catch (error) {
    trouble.textContent = `Not up to date: ${error instanceof Error ? error.message : error}`;
    trouble.hidden = false;
  }
  drawing = false;
  if (again) {
    again = false;
    draw();
  }
}

/** Replaces the page and keeps the keyboard's place on it. @param {HTMLElement[]} content */
function show(content) {
  const places = () => /** @type {HTMLElement[]} */ ([...main.querySelectorAll('a, button')]);
  const place = places().indexOf(/** @type {HTMLElement} */ (document.activeElement));
  main.replaceChildren(...content);
  if (place >= 0) places()[place]?.focus({ preventScroll: true });
}

function setUpTheme() {
  const saved = localStorage.getItem('theme');
  if (saved) document.documentElement.dataset.theme = saved;
  byId('theme').addEventListener('click', () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme
      ? root.dataset.theme === 'dark'
      : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = isDark ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
  });
}

setUpTheme();
addEventListener('hashchange', draw);
setInterval(draw, REFRESH_MS);
draw().then(() =>
  follow(draw, (isOn) => {
    live.dataset.state = isOn ? 'on' : 'off';
    live.textContent = isOn ? 'live' : 'reconnecting';
    if (isOn) draw();
  }),
);
