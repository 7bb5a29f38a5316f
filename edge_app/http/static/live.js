/** The live page: counters, moving picture, lot map, changes, and why a bay has its state. */

import { byId, h, s } from '../shared/dom.js';
import { percent, spaced, timeOfDay } from '../shared/format.js';
import { blockChoice, eyeButtons } from './answers.js';
import { ask, attention, changeLine, facts, listen, setUpHeader, showHeader } from './shared.js';

/** @typedef {import('./types.js').Bay} Bay */
/** @typedef {import('./types.js').Camera} Camera */
/** @typedef {[number, number]} Point */

const KEPT = 40;
/** @type {Camera[]} */
let cameras = [];
/** @type {Bay[]} */
let lastBays = [];
/** @type {string|null} */
let shown = null;
/** @type {Map<string, {group: SVGGElement, title: SVGTitleElement}>} */
let marks = new Map();
/** @type {string|null} */
let drawnFor = null;
/** @type {string|null} */
let openBay = null;

/** @param {readonly Bay[]} bays */
const showCounts = (bays) => {
  const count = { free: 0, occupied: 0, unknown: 0 };
  for (const bay of bays) count[bay.state] += 1;
  for (const [state, number] of Object.entries(count)) byId(state).textContent = number;
  const known = count.free + count.occupied;
  const share = known ? Math.round((100 * count.occupied) / known) : 0;
  byId('share').textContent = known ? `${share} %` : '–';
  byId('arc').setAttribute('stroke-dasharray', `${share} 100`);
};

/** @param {readonly Point[]} points @returns {Point} */
const centre = (points) => {
  const sum = points.reduce(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
};

/** Ids without the words that all of them begin with, as in the annotated picture. @param {readonly string[]} ids */
const shortIds = (ids) => {
  const words = ids.map((id) => (id.match(/[^._-]*[._-]?/g) ?? []).slice(0, -2));
  let shared = 0;
  for (let i = 0; ids.length > 1 && words.every((each) => each[i] && each[i] === words[0][i]); i += 1)
    shared += words[0][i].length;
  return ids.map((id) => id.slice(shared));
};

/** How large a label may be: a bay seen at a slant is as wide as its area over its height, and a
 * letter is some 0.62 of its size wide. @param {readonly Point[]} points @param {number} letters */
const labelSize = (points, letters) => {
  const ys = points.map(([, y]) => y);
  const height = Math.max(...ys) - Math.min(...ys) || 1;
  const crossed = points.map(([x, y], i) => {
    const [nx, ny] = points[(i + 1) % points.length];
    return x * ny - nx * y;
  });
  const area = Math.abs(crossed.reduce((sum, part) => sum + part, 0)) / 2;
  return Math.min((0.9 * area) / height / (0.62 * letters), height * 0.5);
};

/** @param {readonly Bay[]} bays @param {readonly [number, number]} image_wh */
const drawMap = (bays, [width, height]) => {
  const map = byId('map');
  const toPixels = (/** @type {Bay} */ bay) =>
    bay.polygon.map(([x, y]) => /** @type {Point} */ ([x * width, y * height]));
  byId('no-bays').hidden = bays.length > 0;
  map.toggleAttribute('hidden', !bays.length);
  const all = bays.flatMap((bay) => toPixels(bay));
  if (!all.length) return map.replaceChildren();
  const xs = all.map(([x]) => x);
  const ys = all.map(([, y]) => y);
  const margin = width * 0.02;
  const [left, top] = [Math.min(...xs) - margin, Math.min(...ys) - margin];
  map.setAttribute(
    'viewBox',
    `${left} ${top} ${Math.max(...xs) + margin - left} ${Math.max(...ys) + margin - top}`,
  );
  marks = new Map();
  const names = shortIds(bays.map((bay) => bay.id));
  const drawn = bays.map((bay, number) => {
    const points = toPixels(bay);
    const [x, y] = centre(points);
    const group = s('g', { class: 'bay', tabindex: '0', role: 'button' });
    const outline = s('polygon', { points: points.map((p) => p.join(',')).join(' ') });
    const size = Math.min(labelSize(points, names[number].length), width * 0.028);
    const label = s('text', { x, y, 'font-size': size });
    // An illegible label would only hide the state; the bay's title still has its id.
    label.textContent = size < width * 0.007 ? '' : names[number];
    const title = s('title');
    group.append(title, outline, label);
    const open = () => showWhy(bay.id);
    group.addEventListener('click', open);
    group.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        open();
      }
    });
    marks.set(bay.id, { group, title });
    return group;
  });
  return map.replaceChildren(...drawn);
};

/** @param {Bay[]} bays */
const showBays = (bays) => {
  lastBays = bays;
  showCounts(bays);
  const mine = bays.filter((bay) => bay.camera === shown);
  const camera = cameras.find((each) => each.id === shown);
  if (!camera) return;
  const key = JSON.stringify(mine.map((bay) => [bay.id, bay.polygon]));
  if (key !== drawnFor) {
    drawMap(mine, camera.image_wh ?? [16, 9]);
    drawnFor = key;
  }
  for (const bay of mine) {
    const mark = marks.get(bay.id);
    if (!mark) continue;
    const said = bay.reason ? `unknown, ${spaced(bay.reason)}` : bay.state;
    const kind = bay.kind && bay.kind !== 'standard' ? ` (${bay.kind})` : '';
    const beside = `${bay.closed ? ', closed' : ''}${bay.blocked ? `, blocked (${bay.blocked.kind})` : ''}`;
    mark.group.setAttribute(
      'class',
      `bay ${bay.state}${bay.closed ? ' closed' : ''}${bay.blocked ? ' blocked' : ''}`,
    );
    mark.group.setAttribute('aria-label', `Bay ${bay.id}${kind}: ${said}${beside}`);
    mark.title.textContent = `${bay.id}${kind}: ${said} since ${timeOfDay(bay.since)}${beside}`;
  }
};

const showPicture = () => {
  const picture = byId('picture');
  picture.src = `/cameras/${shown}/live.mjpg?overlay=${byId('overlay').checked}&at=${Date.now()}`;
};

// What stands beside the picture of the camera that is shown.
const showShown = () => {
  const camera = cameras.find((each) => each.id === shown);
  if (!camera) return;
  byId('camera-head').textContent = camera.lot && camera.lot !== 'lot' ? camera.lot : camera.id;
  const live = camera.condition === 'live';
  byId('meta').textContent = live
    ? `${camera.fps.toFixed(1)} frames/s · ${Math.round(camera.infer_ms)} ms each`
    : `${spaced(camera.condition)}${camera.detail ? `: ${camera.detail}` : ''}`;
};

/** @param {import('./types.js').Report} report */
const showCameras = (report) => {
  showHeader(report);
  const wrong = attention(report.alarms);
  byId('attention').hidden = !wrong;
  byId('attention').textContent = wrong ? `${wrong} →` : '';
  const before = cameras.map((each) => each.id).join();
  cameras = report.cameras;
  const pick = byId('pick');
  if (cameras.map((each) => each.id).join() !== before) {
    pick.replaceChildren(...cameras.map((each) => h('option', { value: each.id }, each.id)));
    byId('pick-label').hidden = cameras.length < 2;
    if (!cameras.some((each) => each.id === shown)) {
      shown = cameras[0]?.id ?? null;
      byId('no-picture').hidden = false;
      if (shown) showPicture();
    }
    if (shown) pick.value = shown;
  }
  for (const option of pick.options) {
    const condition = cameras.find((each) => each.id === option.value)?.condition ?? 'live';
    option.text = condition === 'live' ? option.value : `${option.value} (${spaced(condition)})`;
  }
  showShown();
};

/** @param {import('./types.js').Change} change */
const addChange = (change) => {
  byId('ticker-empty').hidden = true;
  const list = byId('ticker');
  const line = changeLine(change);
  list.prepend(line);
  line.classList.add('fresh');
  while (list.children.length > KEPT) list.lastElementChild.remove();
  const mark = marks.get(change.bay);
  if (mark) {
    mark.group.classList.add('changed');
    setTimeout(() => mark.group.classList.remove('changed'), 1500);
  }
  if (openBay === change.bay) showWhy(openBay);
};

/** @param {string} bay */
const showWhy = async (bay) => {
  /** @type {import('./types.js').Evidence} */
  const why = await ask(`/api/v1/bays/${encodeURIComponent(bay)}/why`);
  openBay = bay;
  const dialog = byId('why');
  byId('why-head').textContent = `Bay ${bay}: ${why.state}${why.blocked ? ', blocked' : ''}`;
  byId('why-text').textContent = why.explanation;
  const picture = byId('why-picture');
  picture.src = `${why.picture}?at=${Date.now()}`;
  picture.alt = `Bay ${bay} in the latest image`;
  const best = why.frame.vehicles[0];
  const known = (/** @type {number|null|undefined} */ share) =>
    share === null || share === undefined ? null : percent(share);
  facts(byId('why-facts'), [
    ['since', timeOfDay(why.since)],
    ['confidence', why.occupied === null ? null : known(why.confidence)],
    ['last inference', known(why.frame.probability)],
    [
      'overlapping vehicle',
      best ? `${percent(best.overlap)} overlap, ${percent(best.confidence)} sure` : 'none',
    ],
    ['model', why.model ? `${why.model.name} ${why.model.version}` : 'none'],
    ['judged by', why.model?.method],
    ['calibration', why.calibration_revision === null ? 'none' : `revision ${why.calibration_revision}`],
  ]);
  byId('why-answers').replaceChildren(eyeButtons(bay), blockChoice(bay, why.blocked));
  byId('why-events').replaceChildren(...why.events.map(changeLine));
  if (!dialog.open) dialog.showModal();
};

const start = async () => {
  const report = await setUpHeader();
  showCameras(report);
  showBays((await ask('/api/v1/bays')).bays);
  const { events } = await ask('/api/v1/events?limit=30');
  for (const change of events.reverse()) addChange(change);
  byId('overlay').addEventListener('change', showPicture);
  byId('pick').addEventListener('change', (/** @type {Event & {target: HTMLSelectElement}} */ event) => {
    shown = event.target.value;
    byId('no-picture').hidden = false; // until its first one comes: the last one is another camera's
    showPicture();
    showShown();
    showBays(lastBays); // news of bays come only when there are any
  });
  const picture = byId('picture');
  picture.addEventListener('load', () => {
    byId('no-picture').hidden = true;
  });
  picture.addEventListener('error', () => {
    byId('no-picture').hidden = false;
    setTimeout(showPicture, 3000);
  });
  const dialog = byId('why');
  byId('why-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    openBay = null;
  });
  dialog.addEventListener('click', (/** @type {MouseEvent} */ event) => {
    if (event.target === dialog) dialog.close();
  });
  listen({ bays: showBays, status: showCameras, change: addChange });
};

start();
