/** Rows of bays: one quadrilateral becomes N bays, in perspective. */

import { apply, depth, invert, squareToQuad } from './homography.js';
import { centroid, clockwise, distance, isConvex, mix, signedArea } from './polygon.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../types.js').Row} Row */

/** Inner dividers, evenly spaced on the ground. @param {number} count */
export const evenDividers = (count) =>
  Array.from({ length: Math.max(count - 1, 0) }, (_, i) => (i + 1) / count);

/** @param {Row} row */
export const dividersOf = (row) => row.dividers ?? evenDividers(row.count);

const BAY_DEPTH = 2; // in widths: 5 m by 2.5 m

/**
 * Four clicks round a row, either way, as [start, along, across, back]: the row begins at the first
 * click and runs the way that gives its bays the likelier shape.
 * @param {readonly Point[]} clicks @param {number} count @param {number} lines
 * @returns {Point[]}
 */
export function orientQuad(clicks, count, lines) {
  const [a, b, c, d] = clicks;
  const one = distance(a, b) + distance(c, d);
  const other = distance(b, c) + distance(d, a);
  const oddity = (/** @type {number} */ along, /** @type {number} */ across) =>
    Math.abs(Math.log(across / lines / (along / count) / BAY_DEPTH));
  return oddity(one, other) <= oddity(other, one) ? [a, b, c, d] : [a, d, c, b];
}

/** The same row with its length and depth exchanged. @param {readonly Point[]} q */
export const turnQuad = (q) => /** @type {Point[]} */ ([q[0], q[3], q[2], q[1]]);

/**
 * Where dividers meet the two long sides, as positions along the row. With a skew the two sides
 * are shifted against each other and the ends stay free, as between the triangles of angled bays.
 * @param {Row} row @param {number} skew @returns {{near: number[], far: number[]}}
 */
function stations(row, skew) {
  const all = [0, ...dividersOf(row), 1];
  const total = row.count + Math.abs(skew);
  return {
    near: all.map((d) => (d * row.count + Math.max(0, -skew)) / total),
    far: all.map((d) => (d * row.count + Math.max(0, skew)) / total),
  };
}

/** Outlines of a complete row, first line first, each clockwise as seen.
 * @param {Row} row @returns {Point[][]} */
export function rowPolygons(row) {
  const matrix = squareToQuad(row.corners);
  const lines =
    row.lines === 2
      ? [
          [0, row.split],
          [row.split, 1],
        ]
      : [[0, 1]];
  return lines.flatMap(([v0, v1], line) => {
    const mirrored = row.herringbone && line === 1;
    const { near: front, far: back } = stations(row, mirrored ? -row.skew : row.skew);
    return Array.from({ length: row.count }, (_, i) =>
      clockwise([
        apply(matrix, [front[i], v0]),
        apply(matrix, [front[i + 1], v0]),
        apply(matrix, [back[i + 1], v1]),
        apply(matrix, [back[i], v1]),
      ]),
    );
  });
}

/** Middle of each inner divider on the row's first long side, for its handle.
 * @param {Row} row @returns {Point[]} */
export function dividerHandles(row) {
  const matrix = squareToQuad(row.corners);
  const { near } = stations(row, row.skew);
  return near.slice(1, -1).map((u) => apply(matrix, [u, 0]));
}

/** The row with one divider moved to under `at`, kept between its neighbours.
 * @param {Row} row @param {number} index @param {Point} at @returns {Row} */
export function moveDivider(row, index, at) {
  const dividers = [...dividersOf(row)];
  const [u] = apply(invert(squareToQuad(row.corners)), at);
  const total = row.count + Math.abs(row.skew);
  const wanted = (u * total - Math.max(0, -row.skew)) / row.count;
  const gap = 0.1 / row.count;
  const low = (index > 0 ? dividers[index - 1] : 0) + gap;
  const high = (index < dividers.length - 1 ? dividers[index + 1] : 1) - gap;
  dividers[index] = Math.min(high, Math.max(low, wanted));
  return { ...row, dividers };
}

/**
 * The row's quad moved over the ground so that `from` comes under `to`: a copy farther away is
 * smaller, as the picture's perspective has it. Any row that is a parallelogram on the ground will
 * do, whatever the size of its bays, since shifts do not depend on the unit of length.
 * @param {readonly Point[]} quad @param {Point} from @param {Point} to @returns {Point[]|null}
 */
export function shiftOnGround(quad, from, to) {
  const matrix = squareToQuad(quad);
  const inverse = invert(matrix);
  const a = apply(inverse, from);
  const b = apply(inverse, to);
  const [du, dv] = [b[0] - a[0], b[1] - a[1]];
  /** @type {Point[]} */
  const corners = [
    [du, dv],
    [1 + du, dv],
    [1 + du, 1 + dv],
    [du, 1 + dv],
  ];
  // Beyond the horizon the plane comes back from behind; there is no such place on the lot.
  if (depth(matrix, b) <= 0.02 || corners.some((c) => depth(matrix, c) <= 0.02)) return null;
  return corners.map((c) => apply(matrix, c));
}

/** @param {readonly Point[]} quad @param {Point} axis @param {number} sign */
function sideOf(quad, axis, sign) {
  const middle = quad.map((p, i) => mix(p, quad[(i + 1) % 4], 0.5));
  const along = middle.map((p) => (p[0] * axis[0] + p[1] * axis[1]) * sign);
  const i = along.indexOf(Math.max(...along));
  return [quad[i], quad[(i + 1) % 4]];
}

/**
 * The row that bays of four corners form, or null when they form none: its quad and dividers.
 * @param {readonly Point[][]} polygons @returns {{corners: Point[], dividers: number[]|null}|null}
 */
export function rowFromPolygons(polygons) {
  if (polygons.length === 0 || polygons.some((p) => p.length !== 4)) return null;
  if (polygons.length === 1) return { corners: [...polygons[0]], dividers: null };
  const centres = polygons.map(centroid);
  const first = centres[0];
  const far = centres.reduce((best, c) => (distance(c, first) > distance(best, first) ? c : best));
  const end = centres.reduce((best, c) => (distance(c, far) > distance(best, far) ? c : best));
  const forwards = distance(first, end) <= distance(first, far);
  const [from, to] = forwards ? [end, far] : [far, end];
  const length = distance(from, to) || 1;
  /** @type {Point} */
  const axis = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
  const order = polygons
    .map((polygon, i) => ({ polygon, at: centres[i][0] * axis[0] + centres[i][1] * axis[1] }))
    .sort((a, b) => a.at - b.at);
  const left = sideOf(order[0].polygon, axis, -1);
  const right = sideOf(order[order.length - 1].polygon, axis, 1);
  // Both sides from the same flank of the row: the cross product with the axis tells the flanks.
  const flank = (/** @type {Point} */ p) => (p[1] - from[1]) * axis[0] - (p[0] - from[0]) * axis[1];
  const [l0, l1] = left.sort((a, b) => flank(a) - flank(b));
  const [r0, r1] = right.sort((a, b) => flank(a) - flank(b));
  const corners = [l0, r0, r1, l1];
  if (!isConvex(corners)) return null;
  // Bays of a row fill its quad; those of two rows, or with gaps, do not.
  const filled = polygons.reduce((sum, polygon) => sum + Math.abs(signedArea(polygon)), 0);
  const share = filled / Math.abs(signedArea(corners));
  if (share < 0.9 || share > 1.1) return null;
  const inverse = invert(squareToQuad(corners));
  const dividers = order.slice(0, -1).map(({ polygon }) => {
    const [a, b] = sideOf(polygon, axis, 1);
    return apply(inverse, mix(a, b, 0.5))[0];
  });
  const rising = dividers.every((d, i) => d > (i > 0 ? dividers[i - 1] : 0) && d < 1);
  return { corners, dividers: rising ? dividers : null };
}
