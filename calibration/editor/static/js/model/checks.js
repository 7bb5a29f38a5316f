/** What can be said at once of the shape in hand; the server has the last word on everything. */

import { bounds, overlapShare, selfCrossing, signedArea } from '../geometry/polygon.js';

/** @typedef {import('../types.js').Point} Point */

export const LEAST_SIDE_PX = 4; // as calibration.check.CheckSettings.least_side_px
export const OVERLAP_WARNING = 0.2; // as calibration.check.CheckSettings.overlap_warning

/** One line for people, or null. @param {readonly Point[]} points @param {[number, number]} imageWh
 * @param {readonly (readonly Point[])[]} others */
export function problemOf(points, [w, h], others) {
  if (points.some(([x, y]) => x < 0 || y < 0 || x > w || y > h)) {
    return 'Outside the image: keep every corner inside';
  }
  if (selfCrossing(points)) return 'The outline crosses itself: put the corners in order';
  const [l, t, r, b] = bounds(points);
  const area = Math.abs(signedArea(points));
  if (area < LEAST_SIDE_PX * Math.max(r - l, b - t)) return 'Too narrow for the camera: draw it larger';
  const worst = Math.max(0, ...others.map((other) => overlapShare(points, other)));
  if (worst > OVERLAP_WARNING) return `${Math.round(worst * 100)} % overlap with another bay`;
  return null;
}
