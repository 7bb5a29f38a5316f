/** What changed between two documents, bay by bay, and how two people's changes are joined. */

import { distance } from '../geometry/polygon.js';

/** @typedef {import('../types.js').Bay} Bay */
/** @typedef {import('../types.js').Doc} Doc */
/**
 * @typedef {object} Change
 * @property {string} id
 * @property {'added'|'removed'|'changed'} what
 * @property {string[]} details
 */

/** @type {readonly ('kind'|'angle'|'zone'|'level')[]} */
const FIELDS = ['kind', 'angle', 'zone', 'level'];
const UNMOVED_PX = 0.05;

/** @param {Bay} a @param {Bay} b */
export function bayDetails(a, b) {
  const details = FIELDS.filter((field) => (a[field] ?? null) !== (b[field] ?? null)).map(
    (field) => `${field} ${a[field] ?? 'none'} → ${b[field] ?? 'none'}`,
  );
  if (a.points.length !== b.points.length) {
    details.push(`${a.points.length} → ${b.points.length} points`);
  } else {
    const moved = Math.max(...a.points.map((p, i) => distance(p, b.points[i])));
    if (moved > UNMOVED_PX) details.push(`moved ${moved < 10 ? moved.toFixed(1) : Math.round(moved)} px`);
  }
  return details;
}

/** @param {readonly Bay[]} bays */
const byId = (bays) => new Map(bays.map((bay) => [bay.id, bay]));

/** @param {Doc} before @param {Doc} after @returns {Change[]} */
export function diff(before, after) {
  const old = byId(before.bays);
  const now = byId(after.bays);
  /** @type {Change[]} */
  const changes = [];
  for (const bay of after.bays) {
    const was = old.get(bay.id);
    if (!was) changes.push({ id: bay.id, what: 'added', details: [] });
    else {
      const details = bayDetails(was, bay);
      if (details.length > 0) changes.push({ id: bay.id, what: 'changed', details });
    }
  }
  for (const bay of before.bays) {
    if (!now.has(bay.id)) changes.push({ id: bay.id, what: 'removed', details: [] });
  }
  return changes;
}

/** @param {Doc} a @param {Doc} b */
export const sameDoc = (a, b) =>
  a === b ||
  (diff(a, b).length === 0 &&
    JSON.stringify(a.lot) === JSON.stringify(b.lot) &&
    a.newReference === b.newReference &&
    a.bays.every((bay, i) => bay.id === b.bays[i].id));

/**
 * @typedef {object} Conflict  a bay that both sides changed, differently
 * @property {string} id
 * @property {Bay|null} mine
 * @property {Bay|null} theirs
 *
 * @typedef {object} Merge
 * @property {Doc} doc         with `mine` wherever both changed a bay
 * @property {Conflict[]} conflicts
 * @property {number} taken    how many of their changes came in
 */

/** @param {Bay|undefined} a @param {Bay|undefined} b */
const same = (a, b) => (a && b ? bayDetails(a, b).length === 0 : a === b);

/** Join two descendants of one document. @param {Doc} base @param {Doc} mine @param {Doc} theirs
 * @returns {Merge} */
export function merge(base, mine, theirs) {
  const [b, m, t] = [byId(base.bays), byId(mine.bays), byId(theirs.bays)];
  /** @type {Conflict[]} */
  const conflicts = [];
  const result = new Map(m);
  let taken = 0;
  for (const id of new Set([...b.keys(), ...t.keys()])) {
    const [was, my, their] = [b.get(id), m.get(id), t.get(id)];
    if (same(was, their) || same(my, their)) continue;
    if (!same(was, my)) conflicts.push({ id, mine: my ?? null, theirs: their ?? null });
    else {
      taken += 1;
      if (their) result.set(id, their);
      else result.delete(id);
    }
  }
  const lot = JSON.stringify(mine.lot) === JSON.stringify(base.lot) ? theirs.lot : mine.lot;
  return { doc: { ...mine, lot, bays: [...result.values()] }, conflicts, taken };
}

/** Settle conflicts: ids in `takeTheirs` get their version. @param {Merge} merged
 * @param {ReadonlySet<string>} takeTheirs @returns {Doc} */
export function settle(merged, takeTheirs) {
  const bays = byId(merged.doc.bays);
  for (const { id, theirs } of merged.conflicts) {
    if (!takeTheirs.has(id)) continue;
    if (theirs) bays.set(id, theirs);
    else bays.delete(id);
  }
  return { ...merged.doc, bays: [...bays.values()] };
}
