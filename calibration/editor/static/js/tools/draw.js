/** What the two drawing tools share: where the next point goes, rectangles by dragging. */

import { snap } from '../geometry/snap.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../stage/pointer.js').Press} Press */

/** Where a point at this press belongs, snapped to what is there.
 * @param {import('../app.js').App} app @param {Point} at @param {boolean} free
 * @param {readonly Point[]} [own] points of the shape in hand
 * @returns {{point: Point, snapped: 'corner'|'edge'|null}} */
export function place(app, at, free, own = []) {
  const [w, h] = app.imageWh;
  /** @type {Point} */
  const inside = [Math.min(w, Math.max(0, at[0])), Math.min(h, Math.max(0, at[1]))];
  if (free) return { point: inside, snapped: null };
  const outlines = app.store.state.doc.bays.map((bay) => bay.points);
  if (own.length > 0) outlines.push(own.slice(0, 1));
  const found = snap(inside, outlines, 8 / app.stage.view.k);
  return found ? { point: found.point, snapped: found.kind } : { point: inside, snapped: null };
}

/** @param {Point} a @param {Point} b @returns {Point[]} */
export const rectangle = (a, b) => {
  const [l, r] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
  const [t, d] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
  return [[l, t], [r, t], [r, d], [l, d]];
};
