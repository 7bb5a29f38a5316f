/** Snapping of a point to corners and edges that are already there. */

import { distance, nearestOnSegment } from './polygon.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {{point: Point, kind: 'corner'|'edge'}} Snap */

/**
 * The corner within reach, else the nearest place on an edge within reach, else null. Corners win,
 * since neighbours in a row share them.
 * @param {Point} p
 * @param {Iterable<readonly Point[]>} outlines
 * @param {number} reach pixels of the picture
 * @returns {Snap|null}
 */
export function snap(p, outlines, reach) {
  /** @type {Snap|null} */
  let corner = null;
  /** @type {Snap|null} */
  let edge = null;
  let cornerAt = reach;
  let edgeAt = reach * 0.75;
  for (const outline of outlines) {
    for (let i = 0; i < outline.length; i++) {
      const d = distance(p, outline[i]);
      if (d <= cornerAt) {
        cornerAt = d;
        corner = { point: outline[i], kind: 'corner' };
      }
      const on = nearestOnSegment(p, outline[i], outline[(i + 1) % outline.length]);
      const e = distance(p, on);
      if (e <= edgeAt) {
        edgeAt = e;
        edge = { point: on, kind: 'edge' };
      }
    }
  }
  return corner ?? edge;
}
