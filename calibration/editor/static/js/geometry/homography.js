/**
 * Maps between the unit square of a row on the ground and its quadrilateral in the picture.
 * A matrix is nine numbers, row by row; the closed form is Heckbert's (1989, section 2.2.3).
 */

/** @typedef {import('../types.js').Point} Point */
/** @typedef {number[]} Matrix */

/** Takes (0,0), (1,0), (1,1), (0,1) to the four corners. @param {readonly Point[]} quad
 * @returns {Matrix} */
export function squareToQuad(quad) {
  const [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = quad;
  const sx = x0 - x1 + x2 - x3;
  const sy = y0 - y1 + y2 - y3;
  const dx1 = x1 - x2;
  const dy1 = y1 - y2;
  const dx2 = x3 - x2;
  const dy2 = y3 - y2;
  const det = dx1 * dy2 - dx2 * dy1;
  const g = (sx * dy2 - dx2 * sy) / det;
  const h = (dx1 * sy - sx * dy1) / det;
  return [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1];
}

/** @param {Matrix} m @param {Point} p @returns {Point} */
export function apply(m, [x, y]) {
  const w = m[6] * x + m[7] * y + m[8];
  return [(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w];
}

/** Positive in front of the camera, zero on the horizon. @param {Matrix} m @param {Point} p */
export const depth = (m, [x, y]) => m[6] * x + m[7] * y + m[8];

/** @param {Matrix} m @returns {Matrix} */
export function invert(m) {
  const [a, b, c, d, e, f, g, h, i] = m;
  const A = e * i - f * h;
  const B = f * g - d * i;
  const C = d * h - e * g;
  const det = a * A + b * B + c * C;
  return [
    A,
    c * h - b * i,
    b * f - c * e,
    B,
    a * i - c * g,
    c * d - a * f,
    C,
    b * g - a * h,
    a * e - b * d,
  ].map((v) => v / det);
}
