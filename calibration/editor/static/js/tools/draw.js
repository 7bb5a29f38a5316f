/** What the drawing tools share: where the next point goes, rectangles by dragging. */

import { snap } from '../geometry/snap.js';
import { outlinesOf } from '../model/document.js';
import { isRegionTool } from '../model/regions.js';

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
  const outlines = targets(app.store.state).map((outline) => outline.points);
  if (own.length > 0) outlines.push(own.slice(0, 1));
  const found = snap(inside, outlines, 8 / app.stage.view.k);
  return found ? { point: found.point, snapped: found.kind } : { point: inside, snapped: null };
}

/** What a new shape may snap to: a bay to bays, a mask or an area to all that is shown.
 * @param {import('../model/store.js').State} state */
const targets = ({ doc, tool, regionsShown }) =>
  isRegionTool(tool) && regionsShown ? outlinesOf(doc) : doc.bays;

/** @param {Point} a @param {Point} b @returns {Point[]} */
export const rectangle = (a, b) => {
  const [l, r] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
  const [t, d] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
  return [
    [l, t],
    [r, t],
    [r, d],
    [l, d],
  ];
};
