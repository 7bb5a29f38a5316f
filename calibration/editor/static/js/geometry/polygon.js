/** Plane geometry of bays, in pixels of the picture. */

/** @typedef {import('../types.js').Point} Point */

/** @param {Point} a @param {Point} b */
export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** @param {Point} a @param {Point} b @param {number} t @returns {Point} */
export const mix = (a, b, t) => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];

/** @param {Point} a @param {Point} d @returns {Point} */
export const add = (a, d) => [a[0] + d[0], a[1] + d[1]];

/** Positive when the points run clockwise as seen (y down). @param {readonly Point[]} points */
export function signedArea(points) {
  let twice = 0;
  for (let i = 0; i < points.length; i++) {
    const [x1, y1] = points[i];
    const [x2, y2] = points[(i + 1) % points.length];
    twice += x1 * y2 - x2 * y1;
  }
  return twice / 2;
}

/** The same outline, clockwise as seen. @param {Point[]} points */
export const clockwise = (points) =>
  signedArea(points) < 0 ? [points[0], ...points.slice(1).reverse()] : points;

/** Centre of mass; the mean of the points when they enclose nothing or the outline crosses itself.
 * @param {readonly Point[]} points @returns {Point} */
export function centroid(points) {
  const area = signedArea(points);
  if (Math.abs(area) < 1e-6 || selfCrossing(points)) {
    const n = Math.max(points.length, 1);
    return [points.reduce((sum, p) => sum + p[0], 0) / n, points.reduce((sum, p) => sum + p[1], 0) / n];
  }
  let x = 0;
  let y = 0;
  for (let i = 0; i < points.length; i++) {
    const [x1, y1] = points[i];
    const [x2, y2] = points[(i + 1) % points.length];
    const cross = x1 * y2 - x2 * y1;
    x += (x1 + x2) * cross;
    y += (y1 + y2) * cross;
  }
  return [x / (6 * area), y / (6 * area)];
}

/**
 * Where a label is read as that of the outline: its centre, or where that lies outside (a lane round
 * a corner) the middle of the widest stretch inside at one of a few heights.
 * @param {readonly Point[]} points @returns {Point}
 */
export function labelPoint(points) {
  const centre = centroid(points);
  if (contains(points, centre)) return centre;
  const [, top, , bottom] = bounds(points);
  let best = 0;
  let place = centre;
  for (const share of [0.5, 0.3, 0.7, 0.15, 0.85]) {
    const y = top + (bottom - top) * share;
    const walls = points
      .map((p, i) => [p, points[(i + 1) % points.length]])
      .filter(([p, q]) => p[1] > y !== q[1] > y)
      .map(([p, q]) => p[0] + ((q[0] - p[0]) * (y - p[1])) / (q[1] - p[1]))
      .sort((a, b) => a - b);
    for (let i = 0; i + 1 < walls.length; i += 2) {
      if (walls[i + 1] - walls[i] <= best) continue;
      best = walls[i + 1] - walls[i];
      place = [(walls[i] + walls[i + 1]) / 2, y];
    }
  }
  return place;
}

/** As much of a shift as keeps the points in the picture.
 * @param {readonly Point[]} points @param {Point} delta @param {readonly [number, number]} wh
 * @returns {Point} */
export function shiftWithin(points, [dx, dy], [w, h]) {
  const [left, top, right, bottom] = bounds(points);
  return [Math.max(-left, Math.min(w - right, dx)), Math.max(-top, Math.min(h - bottom, dy))];
}

/** @param {readonly Point[]} points
 * @returns {[number, number, number, number]} left, top, right, bottom */
export function bounds(points) {
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** @param {readonly Point[]} points @param {Point} p */
export function contains(points, p) {
  let inside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [xi, yi] = points[i];
    const [xj, yj] = points[j];
    if (yi > p[1] !== yj > p[1] && p[0] < ((xj - xi) * (p[1] - yi)) / (yj - yi) + xi) {
      inside = !inside;
    }
  }
  return inside;
}

/** @param {Point} a @param {Point} b @param {Point} c */
const turn = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);

/** Where two segments properly cross, or null. @param {Point} a @param {Point} b
 * @param {Point} c @param {Point} d @returns {Point|null} */
export function crossing(a, b, c, d) {
  const d1 = turn(c, d, a);
  const d2 = turn(c, d, b);
  const d3 = turn(a, b, c);
  const d4 = turn(a, b, d);
  if (d1 * d2 >= 0 || d3 * d4 >= 0) return null;
  return mix(a, b, d1 / (d1 - d2));
}

/** Where an outline crosses itself, or null. @param {readonly Point[]} points
 * @param {boolean} [closed] */
export function selfCrossing(points, closed = true) {
  const edges = closed ? points.length : points.length - 1;
  for (let i = 0; i < edges; i++) {
    for (let j = i + 2; j < edges; j++) {
      if (closed && i === 0 && j === edges - 1) continue;
      const at = crossing(
        points[i],
        points[(i + 1) % points.length],
        points[j],
        points[(j + 1) % points.length],
      );
      if (at) return at;
    }
  }
  return null;
}

/** The point of segment a-b nearest to p. @param {Point} p @param {Point} a @param {Point} b
 * @returns {Point} */
export function nearestOnSegment(p, a, b) {
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const length2 = dx * dx + dy * dy;
  if (length2 === 0) return a;
  const t = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length2;
  return mix(a, b, Math.min(1, Math.max(0, t)));
}

/** Whether every corner turns the same way. @param {readonly Point[]} points */
export function isConvex(points) {
  let sign = 0;
  for (let i = 0; i < points.length; i++) {
    const t = turn(points[i], points[(i + 1) % points.length], points[(i + 2) % points.length]);
    if (t !== 0) {
      if (sign !== 0 && Math.sign(t) !== sign) return false;
      sign = Math.sign(t);
    }
  }
  return true;
}

/** `subject` cut by the convex `clip` (Sutherland and Hodgman 1974).
 * @param {readonly Point[]} subject @param {readonly Point[]} clip @returns {Point[]} */
export function clipConvex(subject, clip) {
  const orientation = Math.sign(signedArea(clip)) || 1;
  let output = [...subject];
  for (let i = 0; i < clip.length && output.length > 0; i++) {
    const a = clip[i];
    const b = clip[(i + 1) % clip.length];
    const input = output;
    output = [];
    for (let j = 0; j < input.length; j++) {
      const p = input[j];
      const q = input[(j + 1) % input.length];
      const sideP = turn(a, b, p) * orientation;
      const sideQ = turn(a, b, q) * orientation;
      if (sideP >= 0) output.push(p);
      if (sideP * sideQ < 0) output.push(mix(p, q, sideP / (sideP - sideQ)));
    }
  }
  return output;
}

/** Shared area as a share of the smaller outline; 0 when neither is convex (the server's check
 * covers those). @param {readonly Point[]} a @param {readonly Point[]} b */
export function overlapShare(a, b) {
  const [l1, t1, r1, b1] = bounds(a);
  const [l2, t2, r2, b2] = bounds(b);
  if (l1 >= r2 || l2 >= r1 || t1 >= b2 || t2 >= b1) return 0;
  const smaller = Math.min(Math.abs(signedArea(a)), Math.abs(signedArea(b)));
  if (smaller === 0) return 0;
  if (isConvex(b)) return Math.abs(signedArea(clipConvex(a, b))) / smaller;
  if (isConvex(a)) return Math.abs(signedArea(clipConvex(b, a))) / smaller;
  return 0;
}
