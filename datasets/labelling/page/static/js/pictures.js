/** Crops and pictures, with the outlines that say which bay is meant. */

import { h, s } from '../../shared/dom.js';

export const LARGE = 720;
export const SMALL = 320;
const KEPT = 80;

/** @type {Map<string, HTMLImageElement>} */
const loaded = new Map();

/** @param {import('./types.js').Question} q @param {number} side */
export const cropUrl = (q, side) => `api/crop/${q.item}/${side}.jpg`;

/** @param {import('./types.js').Question} q */
export const frameUrl = (q) => `api/frame/${q.frame}.jpg`;

/** Fetch and decode a picture, so that showing it takes no time. @param {string} url */
export async function preload(url) {
  let image = loaded.get(url);
  if (!image) {
    image = new Image();
    image.src = url;
    loaded.set(url, image);
    if (loaded.size > KEPT) loaded.delete(/** @type {string} */ (loaded.keys().next().value));
  }
  await image.decode().catch(() => loaded.delete(url));
}

/** @param {readonly import('./types.js').Point[]} points @param {number} [width] @param {number} [height] */
const pointsOf = (points, width = 1, height = width) =>
  points.map(([x, y]) => `${(x * width).toFixed(2)},${(y * height).toFixed(2)}`).join(' ');

/**
 * A bay with its surroundings: outlined, neighbours dimmed.
 * @param {import('./types.js').Question} q @param {number} side
 */
export function cropPicture(q, side) {
  const image = s('image', { href: cropUrl(q, side), width: side, height: side });
  return s(
    'svg',
    { class: 'crop', viewBox: `0 0 ${side} ${side}`, 'aria-hidden': 'true', focusable: 'false' },
    image,
    s(
      'g',
      { class: 'overlay' },
      ...q.others.map((other) => s('polygon', { class: 'other', points: pointsOf(other, side) })),
      s('polygon', { class: 'halo', points: pointsOf(q.outline, side) }),
      s('polygon', { class: 'outline', points: pointsOf(q.outline, side) }),
    ),
  );
}

/** The whole picture, small, with the bay marked. @param {import('./types.js').Question} q */
export function framePicture(q) {
  const [width, height] = q.image_wh;
  const x = q.polygon.map((p) => p[0] * width);
  const y = q.polygon.map((p) => p[1] * height);
  const unit = width / 100;
  const left = Math.min(...x) - unit;
  const top = Math.min(...y) - unit;
  return h(
    'figure',
    { class: 'frame' },
    s(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `Whole image, bay ${q.bay} marked` },
      s('image', { href: frameUrl(q), width, height }),
      s('rect', {
        class: 'halo',
        x: left,
        y: top,
        width: Math.max(...x) + unit - left,
        height: Math.max(...y) + unit - top,
        rx: unit,
      }),
      s('rect', {
        class: 'spot',
        x: left,
        y: top,
        width: Math.max(...x) + unit - left,
        height: Math.max(...y) + unit - top,
        rx: unit,
      }),
    ),
  );
}
