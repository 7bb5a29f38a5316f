/** What changed between two documents, outline by outline, and how two people's changes are joined. */

import { distance } from '../geometry/polygon.js';
import { isBay, isRegion } from './document.js';
import { keyed, titleOf } from './regions.js';

/** @typedef {import('../types.js').Bay} Bay */
/** @typedef {import('../types.js').Outline} Outline */
/** @typedef {import('../types.js').Doc} Doc */
/**
 * @typedef {object} Change
 * @property {string} key     see `keyed`
 * @property {string} title   a bay's id; of a mask or an area what it is and its name
 * @property {'added'|'removed'|'changed'} what
 * @property {string[]} details
 */

/** @type {readonly ('kind'|'angle'|'zone'|'level')[]} */
const FIELDS = ['kind', 'angle', 'zone', 'level'];
const UNMOVED_PX = 0.05;

/** @param {Outline} a @param {Outline} b */
export function detailsOf(a, b) {
  const details = isBay(a) && isBay(b) ? fieldDetails(a, b) : [];
  if (isRegion(a) && isRegion(b)) details.push(...gateDetails(a.gate, b.gate));
  if (a.points.length !== b.points.length) {
    details.push(`${a.points.length} → ${b.points.length} points`);
  } else {
    const moved = Math.max(...a.points.map((p, i) => distance(p, b.points[i])));
    if (moved > UNMOVED_PX) details.push(`moved ${moved < 10 ? moved.toFixed(1) : Math.round(moved)} px`);
  }
  return details;
}

/** @param {Bay} a @param {Bay} b */
const fieldDetails = (a, b) =>
  FIELDS.filter((field) => (a[field] ?? null) !== (b[field] ?? null)).map(
    (field) => `${field} ${a[field] ?? 'none'} → ${b[field] ?? 'none'}`,
  );

/** @param {import('../types.js').Gate|null} a @param {import('../types.js').Gate|null} b */
function gateDetails(a, b) {
  if (!a || !b) return [];
  const details = a.inSide === b.inSide ? [] : ['turned'];
  for (const field of /** @type {const} */ (['lot', 'level'])) {
    if (a[field] !== b[field]) details.push(`${field} ${a[field] ?? 'none'} → ${b[field] ?? 'none'}`);
  }
  const [was, is] = [a.classes.join(', ') || 'all', b.classes.join(', ') || 'all'];
  return was === is ? details : [...details, `counts ${was} → ${is}`];
}

/** @param {Outline} outline */
const shortTitle = (outline) => (isBay(outline) ? outline.id : titleOf(outline));

/** @param {Doc} before @param {Doc} after @returns {Change[]} */
export function diff(before, after) {
  const old = keyed(before);
  const now = keyed(after);
  /** @type {Change[]} */
  const changes = [];
  for (const [key, outline] of now) {
    const was = old.get(key);
    const title = shortTitle(outline);
    if (!was) changes.push({ key, title, what: 'added', details: [] });
    else {
      const details = detailsOf(was, outline);
      if (details.length > 0) changes.push({ key, title, what: 'changed', details });
    }
  }
  for (const [key, outline] of old) {
    if (!now.has(key)) changes.push({ key, title: shortTitle(outline), what: 'removed', details: [] });
  }
  return changes;
}

/** @param {Doc} a @param {Doc} b */
export const sameDoc = (a, b) =>
  a === b ||
  (a.bays.length === b.bays.length &&
    diff(a, b).length === 0 &&
    JSON.stringify(a.lot) === JSON.stringify(b.lot) &&
    a.newReference === b.newReference &&
    a.bays.every((bay, i) => bay.id === b.bays[i].id));

/**
 * @typedef {object} Conflict  an outline that both sides changed, differently
 * @property {string} key
 * @property {string} title
 * @property {Outline|null} mine
 * @property {Outline|null} theirs
 *
 * @typedef {object} Merge
 * @property {Doc} doc         with `mine` wherever both changed an outline
 * @property {Conflict[]} conflicts
 * @property {number} taken    how many of their changes came in
 */

/** @param {Outline|undefined} a @param {Outline|undefined} b */
const same = (a, b) => (a && b ? detailsOf(a, b).length === 0 : a === b);

/** Join two descendants of one document. @param {Doc} base @param {Doc} mine @param {Doc} theirs
 * @returns {Merge} */
export function merge(base, mine, theirs) {
  const [b, m, t] = [keyed(base), keyed(mine), keyed(theirs)];
  /** @type {Conflict[]} */
  const conflicts = [];
  const result = new Map(m);
  let taken = 0;
  for (const key of new Set([...b.keys(), ...t.keys()])) {
    const [was, my, their] = [b.get(key), m.get(key), t.get(key)];
    if (same(was, their) || same(my, their)) continue;
    const any = my ?? their;
    if (!same(was, my)) {
      conflicts.push({ key, title: any ? titleOf(any) : key, mine: my ?? null, theirs: their ?? null });
    } else {
      taken += 1;
      if (their) result.set(key, their);
      else result.delete(key);
    }
  }
  const lot = JSON.stringify(mine.lot) === JSON.stringify(base.lot) ? theirs.lot : mine.lot;
  return { doc: withOutlines({ ...mine, lot }, result.values()), conflicts, taken };
}

/** Settle conflicts: keys in `takeTheirs` get their version. @param {Merge} merged
 * @param {ReadonlySet<string>} takeTheirs @returns {Doc} */
export function settle(merged, takeTheirs) {
  const outlines = keyed(merged.doc);
  for (const { key, theirs } of merged.conflicts) {
    if (!takeTheirs.has(key)) continue;
    if (theirs) outlines.set(key, theirs);
    else outlines.delete(key);
  }
  return withOutlines(merged.doc, outlines.values());
}

/** @param {Doc} doc @param {Iterable<Outline>} outlines @returns {Doc} */
function withOutlines(doc, outlines) {
  const all = [...outlines];
  return { ...doc, bays: all.filter(isBay), regions: all.filter(isRegion) };
}
