/** How states, counts and their course over time are drawn. */

import { h, s } from './shared/dom.js';
import { dayAndTime, percent, timeOfDay } from './shared/format.js';

/** @typedef {import('./types.js').State} State */
/** @typedef {import('./types.js').Counts} Counts */
/** @typedef {import('./types.js').SeriesPoint} SeriesPoint */

/** @type {readonly State[]} */
export const STATES = ['occupied', 'free', 'unknown', 'stale', 'closed'];

/** @param {import('./types.js').Bay} bay @returns {State} */
export function bayNow(bay) {
  if (bay.closed) return 'closed';
  return bay.stale ? 'stale' : bay.state;
}

/** @param {State} state */
export function dot(state) {
  return h('i', { class: `dot ${state}`, 'aria-hidden': 'true' });
}

/** @param {Counts} counts */
export function meter(counts) {
  const label = STATES.filter((state) => counts[state])
    .map((state) => `${counts[state]} ${state}`)
    .join(', ');
  const bar = h('div', { class: 'meter', role: 'img', 'aria-label': label || 'no bays' });
  for (const state of STATES) {
    if (!counts[state]) continue;
    const part = h('i', { class: state });
    part.style.flex = `${counts[state]} 0 0`;
    bar.append(part);
  }
  return bar;
}

/** @param {Counts} counts */
export function legend(counts) {
  return h(
    'div',
    { class: 'legend' },
    STATES.filter((state) => counts[state] || state === 'occupied' || state === 'free').map((state) =>
      h('span', {}, dot(state), `${counts[state]} ${state}`),
    ),
  );
}

/** @param {string} iso @param {boolean} [withDay] */
export function clock(iso, withDay = false) {
  return h(
    'time',
    { datetime: iso, title: new Date(iso).toLocaleString() },
    (withDay ? dayAndTime : timeOfDay)(iso),
  );
}

/**
 * Share of occupied bays over time; breaks where nothing was known.
 * @param {readonly SeriesPoint[]} points
 * @param {{width: number, height: number, axis?: boolean}} size
 */
export function chart(points, { width, height, axis }) {
  const left = axis ? 34 : 0;
  const bottom = axis ? 20 : 0;
  const inner = { w: width - left, h: height - bottom };
  const x = (/** @type {number} */ i) => left + (inner.w * i) / Math.max(1, points.length - 1);
  const y = (/** @type {number} */ share) => 2 + (inner.h - 4) * (1 - share);
  const svg = s('svg', {
    class: 'chart',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': chartText(points),
  });
  if (axis) {
    for (const share of [0, 0.5, 1]) {
      svg.append(
        s('line', { class: 'grid', x1: left, x2: width, y1: y(share), y2: y(share) }),
        s('text', { x: left - 7, y: y(share) + 4, 'text-anchor': 'end' }, `${share * 100}%`),
      );
    }
    const every = Math.max(1, Math.round(points.length / 6));
    points.forEach((point, i) => {
      if (i % every === 0 && i < points.length - every / 2) {
        const time = new Date(point.start).toLocaleTimeString(undefined, {
          hour: '2-digit',
          minute: '2-digit',
          hour12: false,
        });
        svg.append(s('text', { x: x(i), y: height - 3, 'text-anchor': i ? 'middle' : 'start' }, time));
      }
    });
  } else {
    svg.append(s('line', { class: 'grid', x1: 0, x2: width, y1: height - 1, y2: height - 1 }));
  }
  for (const run of runs(points)) {
    const line = run.map(([i, share]) => `${x(i).toFixed(1)},${y(share).toFixed(1)}`).join(' L');
    const [first, last] = [x(run[0][0]).toFixed(1), x(run[run.length - 1][0]).toFixed(1)];
    svg.append(
      s('path', { class: 'area', d: `M${first},${y(0)} L${line} L${last},${y(0)} Z` }),
      s('path', { class: 'line', d: `M${line}` }),
    );
  }
  return svg;
}

/** Stretches without a break, each as [index, share]. @param {readonly SeriesPoint[]} points */
function runs(points) {
  /** @type {[number, number][][]} */
  const result = [];
  /** @type {[number, number][]|null} */
  let run = null;
  points.forEach((point, i) => {
    if (point.occupancy === null) run = null;
    else {
      if (!run) {
        run = [];
        result.push(run);
      }
      run.push([i, point.occupancy]);
    }
  });
  return result;
}

/** @param {readonly SeriesPoint[]} points */
function chartText(points) {
  const known = points.map((point) => point.occupancy).filter((share) => share !== null);
  if (!known.length) return 'no occupancy known';
  return `occupancy from ${percent(Math.min(...known))} to ${percent(Math.max(...known))}, last ${percent(known[known.length - 1])}`;
}
