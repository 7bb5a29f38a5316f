/** From a row that is laid out to bays of the document. */

import { rowPolygons } from '../geometry/rows.js';
import { makeBay } from './document.js';
import { numbered } from './naming.js';

/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../types.js').Bay} Bay */

/** @param {string} pattern @param {Partial<Row>} [more] @returns {Row} */
export const newRow = (pattern, more = {}) => ({
  count: 10,
  turned: false,
  lines: 1,
  split: 0.5,
  skew: 0,
  herringbone: false,
  step: 1,
  skip: '',
  reverse: false,
  snake: false,
  kind: 'standard',
  zone: null,
  level: null,
  dividers: null,
  ...more,
  corners: more.corners ?? [],
  pattern,
});

/** Ids in the order of `rowPolygons`. @param {Row} row @returns {string[]} */
export function rowIds(row) {
  const ids = numbered(row.pattern, row.count * row.lines, row);
  const first = ids.slice(0, row.count);
  const second = ids.slice(row.count);
  if (row.reverse) first.reverse();
  if (row.reverse !== row.snake) second.reverse();
  return [...first, ...second];
}

/** @param {Row} row @returns {Bay[]} in the order of their ids */
export function rowBays(row) {
  const ids = rowIds(row);
  const angle = row.skew === 0 ? 'perpendicular' : 'angled';
  const { kind, zone, level } = row;
  return rowPolygons(row)
    .map((points, i) => makeBay(ids[i], points, { kind, zone, level, angle }))
    .sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
}
