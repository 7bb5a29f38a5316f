/** What the lot has beside cameras, on the status page: sensors, gates, signs, barriers. */

import { byId, h } from '../shared/dom.js';
import { span, timeOfDay } from '../shared/format.js';
import { facts } from './shared.js';

/** @typedef {import('./types.js').Report} Report */
/** @typedef {import('./types.js').Sensor} Sensor */
/** @typedef {import('./types.js').Sources} Sources */
/** @typedef {import('./types.js').Gate} Gate */

const LISTED = 60;

/** @param {boolean|null} occupied */
const occupancy = (occupied) => (occupied === null ? 'unknown' : occupied ? 'occupied' : 'free');

/** @param {string} text */
const plain = (text) => text.replaceAll('_', ' ');

/**
 * One device in a line: a mark if it wants somebody, its name, what it says, since when.
 * @param {boolean} bad @param {string} name @param {string} said @param {string|null|undefined} at
 * @param {string} now
 */
const line = (bad, name, said, at, now) =>
  h(
    'li',
    {},
    h('span', { class: bad ? 'warn' : 'fine', 'aria-hidden': 'true' }, bad ? '!' : '·'),
    h('b', {}, name),
    h('span', { class: 'said' }, said),
    at
      ? h('time', { datetime: at, title: timeOfDay(at) }, `${span(Math.max(age(at, now), 0))} ago`)
      : h('span', { class: 'sure' }, 'not yet'),
  );

/** @param {string} at @param {string} now */
const age = (at, now) => (Date.parse(now) - Date.parse(at)) / 1000;

/** @param {Report} report */
const outputLines = ({ outputs, now_utc: now }) => [
  ...outputs.barriers.map((barrier) =>
    line(
      barrier.fault !== null || barrier.held_open,
      `barrier ${barrier.id}`,
      barrier.fault ??
        [
          barrier.held_open ? `held open by ${barrier.inputs.join(', ')}` : (barrier.did ?? 'not switched'),
          barrier.took_ms === null ? null : `${barrier.took_ms.toFixed(0)} ms`,
        ]
          .filter(Boolean)
          .join(' · '),
      barrier.at,
      now,
    ),
  ),
  ...outputs.inputs.map((input) =>
    line(
      input.fault !== null || input.alarm === true,
      `input ${input.id}`,
      input.fault ?? (input.alarm === null ? 'not read yet' : input.alarm ? 'alarm' : 'no alarm'),
      input.since,
      now,
    ),
  ),
  ...outputs.signs.map((sign) =>
    line(
      sign.fault !== null,
      `sign ${sign.id}`,
      sign.fault ?? `shows ${sign.text ?? 'nothing yet'}`,
      sign.at,
      now,
    ),
  ),
];

/** Both words of a bay with several sources, and which was believed. @param {Sources} bay */
const words = (bay) =>
  bay.words.map((word) => `${word.source} ${occupancy(word.occupied)} (${plain(word.role)})`).join(', ');

/** @param {Sensor} sensor */
const figures = (sensor) =>
  [
    sensor.fault ?? plain(sensor.state ?? 'waited for'),
    sensor.battery_pct === null ? null : `battery ${sensor.battery_pct.toFixed(0)} %`,
    sensor.battery_pct === null && sensor.battery_v !== null
      ? `battery ${sensor.battery_v.toFixed(2)} V`
      : null,
    sensor.rssi_dbm === null ? null : `${sensor.rssi_dbm.toFixed(0)} dBm`,
  ].filter(Boolean);

/** Those that want somebody come first. @param {Report} report */
const deviceLines = ({ sensing, now_utc: now }) => {
  const bays = new Map(sensing.bays.map((bay) => [bay.bay, bay]));
  const differ = sensing.bays.filter((bay) => bay.differs);
  const isBad = (/** @type {Sensor} */ sensor) => sensor.state !== null && sensor.state !== 'ok';
  const ordered = [...sensing.sensors.filter(isBad), ...sensing.sensors.filter((sensor) => !isBad(sensor))];
  return [
    ...differ.map((bay) =>
      line(true, `bay ${bay.bay}`, `sources differ: ${words(bay)}`, lastSince(bay), now),
    ),
    ...sensing.gates.map((/** @type {Gate} */ gate) =>
      line(
        gate.is_silent,
        `gate ${gate.id}`,
        `${gate.is_silent ? 'silent · ' : ''}${gate.ins} in, ${gate.outs} out since the start`,
        gate.heard,
        now,
      ),
    ),
    ...ordered.map((sensor) => {
      const bay = bays.get(sensor.bay);
      const many = bay && bay.words.length > 1 ? [words(bay)] : [occupancy(sensor.occupied)];
      return line(
        isBad(sensor),
        `${sensor.bay} · ${sensor.id}`,
        [...many, ...figures(sensor)].join(' · '),
        sensor.heard,
        now,
      );
    }),
  ];
};

/** @param {Sources} bay */
const lastSince = (bay) =>
  bay.words
    .map((word) => word.since)
    .sort()
    .at(-1);

/** @param {Report['sensing']['counts'][number]} count */
const countLine = (count) => {
  const said = `${count.count} of ${count.capacity} bays taken`;
  if (count.source === 'bays') return `${said}, by its bays`;
  return count.true_at === null ? said : `${said}, set to the truth ${timeOfDay(count.true_at)}`;
};

/** @param {Report} report */
const showSensing = (report) => {
  const { sensing } = report;
  const heard = sensing.sensors.filter((sensor) => sensor.state === 'ok' || sensor.state === 'low_battery');
  const lines = deviceLines(report);
  byId('sensing-card').hidden = !lines.length && !sensing.counts.length;
  facts(byId('sensing'), [
    ['bay sensors', sensing.sensors.length ? `${heard.length} of ${sensing.sensors.length} heard` : null],
    ...sensing.counts.map(
      (count) =>
        /** @type {[string, string]} */ ([
          [count.lot, count.level].filter(Boolean).join(' '),
          count.count === null ? `count not set yet, ${count.capacity} bays` : countLine(count),
        ]),
    ),
    ['messages', `${sensing.taken} taken${sensing.refused ? `, ${sensing.refused} not read` : ''}`],
    ['last fault', sensing.last_fault],
    ['unknown devices', sensing.unknown.length ? sensing.unknown.slice(0, 5).join(', ') : null],
  ]);
  const more = lines.length - LISTED;
  byId('devices').replaceChildren(
    ...lines.slice(0, LISTED),
    ...(more > 0 ? [h('li', {}, h('span', { class: 'said' }, `and ${more} more without a fault`))] : []),
  );
};

/** @param {Report} report */
export const showDevices = (report) => {
  const lines = outputLines(report);
  byId('outputs-card').hidden = !lines.length;
  byId('outputs').replaceChildren(...lines);
  showSensing(report);
  byId('cameras-card').hidden = !report.cameras.length;
};
