/** The status page: what a technician wants to know, readable on a phone. */

import { byId, h } from '../shared/dom.js';
import { bytes, spaced, span, timeOfDay } from '../shared/format.js';
import { INCIDENTS } from '../shared/vocabulary.js';
import { showDevices } from './devices.js';
import { ask, attention, changeLine, facts, listen, setUpHeader, showHeader } from './shared.js';

/** @typedef {import('./types.js').Report} Report */
/** @typedef {import('./types.js').Camera} Camera */
/** @typedef {import('./types.js').Alarm} Alarm */

const KEPT = 20;

const PICTURE_EVERY_MS = 5000;
/** @type {Map<string, {card: HTMLElement, list: HTMLElement, more: HTMLElement, picture: HTMLImageElement, load: () => void}>} */
const cards = new Map();
const TELLS_DETAIL = new Set(['camera', 'calibration']);
let verdict = '';

/**
 * Asked for once the camera has given one, and again some time after the last one came, however slow
 * the line is.
 * @param {Camera} camera
 */
const pictureOf = (camera) => {
  const picture = h('img', { alt: `Latest image from camera ${camera.id}`, hidden: '' });
  const load = () => {
    picture.src = `/cameras/${camera.id}/still.jpg?at=${Date.now()}`;
  };
  for (const outcome of ['load', 'error'])
    picture.addEventListener(outcome, () => {
      picture.hidden = outcome === 'error';
      setTimeout(load, PICTURE_EVERY_MS);
    });
  return { picture, load };
};

/** @param {import('./types.js').Audit|null|undefined} audit */
const audited = (audit) =>
  audit
    ? `${(100 * audit.accuracy).toFixed(1)} % confirmed (95 %: ${(100 * audit.low).toFixed(1)} to ${(100 * audit.high).toFixed(1)}), ${audit.looks} second opinions`
    : null;

/** @param {Camera} camera */
const cardOf = (camera) => {
  let made = cards.get(camera.id);
  if (!made) {
    const list = h('dl');
    const more = h('dl');
    const figures = h('details', {}, h('summary', {}, 'Figures'), more);
    const said = h('div', {}, list, figures);
    const head = h('h3', {}, camera.id);
    const { picture, load } = pictureOf(camera);
    const card = h('article', { id: `camera-${camera.id}` }, head, picture, said);
    made = { card, list, more, picture, load };
    cards.set(camera.id, made);
    byId('cameras').append(card);
  }
  return made;
};

/** @param {Camera} camera @param {Report} report */
const showCamera = (camera, report) => {
  const { card, list, more, picture, load } = cardOf(camera);
  if (camera.last_frame_utc && !picture.src) load();
  // What an alarm says of this camera stands at the head of the page already.
  const told = report.alarms.some((alarm) => alarm.camera === camera.id && TELLS_DETAIL.has(alarm.kind));
  card.className = `camera-card ${told ? 'bad' : 'good'}`;
  const age = (Date.parse(report.now_utc) - Date.parse(camera.last_frame_utc ?? report.now_utc)) / 1000;
  facts(list, [
    ['condition', spaced(camera.condition)],
    ['detail', told ? null : camera.detail],
    [
      'bays',
      camera.bays
        ? `${camera.occupied} occupied, ${camera.free} free, ${camera.unknown} unknown`
        : 'none drawn',
    ],
    [
      'last frame',
      camera.last_frame_utc
        ? `${timeOfDay(camera.last_frame_utc)}, ${span(Math.max(age, 0))} ago`
        : 'none yet',
    ],
    ['states', audited(report.audits[camera.id])],
  ]);
  facts(more, [
    [
      'judged',
      camera.judged
        ? `${camera.fps.toFixed(2)} frames per second, ${camera.infer_ms.toFixed(0)} ms each`
        : null,
    ],
    [
      'frames',
      `${camera.frames} read, ${camera.judged} judged, ${camera.gated} unchanged, ${camera.dropped} dropped${camera.broken ? `, ${camera.broken} incomplete` : ''}`,
    ],
    ['reopened', camera.restarts === 1 ? 'once' : `${camera.restarts} times`],
    ['view shift', camera.shift_px === null ? null : `${camera.shift_px.toFixed(1)} px`],
    [
      'calibration',
      camera.calibration_revision === null ? 'none' : `revision ${camera.calibration_revision}`,
    ],
  ]);
};

/** Not by CSS: its first letter of a path is the one behind the slash. @param {string} text */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** `Commands` stand between backticks. @param {string} text */
const withCode = (text) => text.split('`').map((part, place) => (place % 2 ? h('code', {}, part) : part));

/** @param {Alarm} alarm */
const editorLink = ({ in_editor: inEditor, camera }) =>
  inEditor && !byId('edit').hidden
    ? [
        h(
          'a',
          { class: 'mend', href: `/calibrate/?camera=${encodeURIComponent(camera ?? '')}` },
          'Open the editor',
        ),
      ]
    : [];

/** Many cameras may have the same fault, behind one switch for instance: the remedy is shown once, at the end.
 * @param {Alarm} alarm @param {Alarm|undefined} next */
const isSame = (alarm, next) =>
  next !== undefined && alarm.fault !== '' && alarm.kind === next.kind && alarm.fault === next.fault;

/** @param {Alarm} alarm @param {number} place @param {Alarm[]} alarms */
const faultLine = (alarm, place, alarms) =>
  h(
    'li',
    { class: isSame(alarm, alarms[place - 1]) ? 'again' : '' },
    alarm.camera
      ? h('a', { class: 'what', href: `#camera-${encodeURIComponent(alarm.camera)}` }, sentence(alarm.text))
      : h('strong', { class: 'what' }, sentence(alarm.text)),
    ...(alarm.detail ? [h('p', { class: 'found' }, sentence(alarm.detail))] : []),
    ...editorLink(alarm),
    ...(alarm.remedy && !isSame(alarm, alarms[place + 1])
      ? [h('p', { class: 'remedy' }, ...withCode(alarm.remedy))]
      : []),
  );

/** Drawn again only when it says something else, so that a text can be marked and copied, and a
 * screen reader tells news only. @param {Report} report */
const showVerdict = ({ alarms, starting }) => {
  const said = JSON.stringify([alarms, starting]);
  if (said === verdict) return;
  verdict = said;
  const calm = starting.length ? '' : 'good';
  byId('verdict').className = `card verdict ${alarms.length ? 'bad' : calm}`;
  byId('verdict-head').textContent = attention(alarms) ?? (starting.length ? 'Starting' : 'All OK');
  byId('faults').replaceChildren(...alarms.map(faultLine));
  byId('starting').hidden = !starting.length;
  byId('starting').textContent = `Waiting for the first image from ${starting.join(', ')}.`;
};

/** Why a frame was not harvested. @type {Record<string, string>} */
const LIMITS = {
  day: 'daily limit reached',
  room: 'store full',
  age: 'too old',
  disk: 'disk almost full',
  busy: 'too busy',
  purge: 'deleted',
};

/** @param {import('./types.js').Incident} incident */
const incidentLine = (incident) =>
  h(
    'li',
    {},
    h('span', { class: 'warn', 'aria-hidden': 'true' }, '!'),
    h('b', {}, INCIDENTS[incident.kind] ?? incident.kind),
    h(
      'span',
      { class: 'said' },
      [incident.bays.join(', '), incident.area, incident.vehicle].filter(Boolean).join(' · '),
    ),
    h('span', { class: 'sure' }, incident.camera),
    h('time', { datetime: incident.began }, span(incident.stood_s)),
  );

/** @param {import('./types.js').Lane} lane @returns {[string, string]} */
const laneLine = (lane) => [
  [lane.gate, lane.level && `level ${lane.level}`].filter(Boolean).join(', '),
  `${lane.today_in} in, ${lane.today_out} out; ever ${lane.total_in} in, ${lane.total_out} out; ${
    lane.fault || `${lane.rate_hz.toFixed(1)} of ${lane.wanted_hz.toFixed(1)} pictures a second`
  } (${lane.camera})`,
];

/** @param {Report["lanes"]} lanes */
const showLanes = (lanes) => {
  byId('lanes-card').hidden = !lanes.length;
  facts(byId('lanes'), lanes.map(laneLine));
};

/** @param {Report["incidents"]} incidents */
const showIncidents = (incidents) => {
  byId('incidents-card').hidden = !incidents.length;
  byId('incidents').replaceChildren(...incidents.map(incidentLine));
};

/** @param {Record<string, number>} counts */
const byLimit = (counts) => {
  const some = Object.entries(counts).filter(([, count]) => count);
  return some.length ? some.map(([limit, count]) => `${count} (${LIMITS[limit] ?? limit})`).join(', ') : null;
};

/** @param {Report["harvest"]} harvest */
const showHarvest = (harvest) => {
  byId('harvest-card').hidden = !harvest;
  if (!harvest) return;
  const frames = Object.values(harvest.frames).reduce((sum, count) => sum + count, 0);
  const fault = harvest.last_fault;
  facts(byId('harvest'), [
    ['on disk', `${frames} frames, ${bytes(harvest.size_bytes)} of ${bytes(harvest.max_bytes)}`],
    ['kept', `${harvest.kept} since startup`],
    ['not kept', byLimit(harvest.refused)],
    ['gone', byLimit(harvest.evicted)],
    [
      'sent',
      harvest.sent
        ? `${harvest.sent} bundles, ${harvest.sent_frames} frames, ${bytes(harvest.sent_bytes)}`
        : null,
    ],
    ['not sent', harvest.failed ? `${harvest.failed} bundles` : null],
    ['last fault', fault ? `${timeOfDay(fault.utc)} ${fault.text}` : null],
  ]);
};

/** @param {Report} report */
const show = (report) => {
  showHeader(report);
  showIncidents(report.incidents);
  showLanes(report.lanes);
  showHarvest(report.harvest);
  showDevices(report);
  showVerdict(report);
  for (const camera of report.cameras) showCamera(camera, report);
  const { link, outbox, model, bays } = report;
  facts(byId('delivery'), [
    ['broker', link ? link.broker : 'none configured'],
    ['link', link ? (link.connected ? `connected, MQTT ${link.protocol}` : 'not connected') : null],
    ['sent', link ? `${link.sent} events` : null],
    ['refused', link?.refused ? `${link.refused} events` : null],
    ['waiting', `${outbox.rows} events, ${bytes(outbox.size_bytes)}`],
    ['oldest', outbox.rows ? span(outbox.oldest_age_s) : null],
    ['discarded', outbox.evicted ? `${outbox.evicted} events` : null],
    ['store', outbox.degraded ? 'cannot be written' : 'sound'],
  ]);
  facts(byId('box'), [
    ['bays', `${bays.total}: ${bays.occupied} occupied, ${bays.free} free, ${bays.unknown} unknown`],
    ['closed', report.closed_bays.join(', ')],
    ['model', model ? `${model.name} ${model.version}, ${model.method}` : 'none'],
    ['tuned', model?.tuning],
    ['model file', model ? model.sha256.slice(0, 12) : null],
    ['version', report.version],
    ['up for', span(report.uptime_s)],
    ['clock', `${new Date(report.now_utc).toISOString().slice(0, 19)} UTC`],
    ['off yours', `${Math.abs((Date.now() - Date.parse(report.now_utc)) / 1000).toFixed(0)} s`],
    ['disk free', report.disk_free_bytes === null ? null : bytes(report.disk_free_bytes)],
    ['memory', report.memory_bytes === null ? null : bytes(report.memory_bytes)],
    ['temperature', report.temperature_c === null ? null : `${report.temperature_c.toFixed(0)} °C`],
  ]);
};

/** @param {import('./types.js').Change} change */
const addChange = (change) => {
  const list = byId('events');
  list.prepend(changeLine(change));
  while (list.children.length > KEPT) list.lastElementChild.remove();
};

const start = async () => {
  show(await setUpHeader());
  const { events } = await ask(`/api/v1/events?limit=${KEPT}`);
  byId('events').replaceChildren(...events.map(changeLine));
  listen({ status: show, change: addChange });
};

start();
