/** Pure operations on the document: each gives a new one and shares what did not change. */

import { add, clockwise, distance } from '../geometry/polygon.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../types.js').Bay} Bay */
/** @typedef {import('../types.js').Doc} Doc */

let counter = 0;

/** @returns {string} */
export const newUid = () => `b${++counter}`;

/** @type {readonly string[]} */
export const KINDS = ['standard', 'disabled', 'ev', 'loading', 'reserved'];
/** @type {readonly string[]} */
export const ANGLES = ['perpendicular', 'angled', 'parallel'];

/** @returns {Doc} */
export const emptyDoc = () => ({
  bays: [],
  lot: { name: 'lot', location: null, street: 'off_street', levels: [] },
  newReference: false,
  proposals: [],
});

/** @param {string} id @param {Point[]} points @param {Partial<Bay>} [more] @returns {Bay} */
export const makeBay = (id, points, more = {}) => ({
  kind: 'standard',
  angle: 'perpendicular',
  zone: null,
  level: null,
  groundQuad: null,
  ...more,
  uid: newUid(),
  id,
  points: clockwise(points),
});

/** @param {Doc} doc @param {string} uid */
export const bayOf = (doc, uid) => doc.bays.find((bay) => bay.uid === uid);

/** @param {Doc} doc @param {ReadonlySet<string>} uids @param {(bay: Bay) => Bay} change
 * @returns {Doc} */
export const changeBays = (doc, uids, change) => ({
  ...doc,
  bays: doc.bays.map((bay) => (uids.has(bay.uid) ? change(bay) : bay)),
});

/** @param {Doc} doc @param {Bay[]} bays @returns {Doc} */
export const addBays = (doc, bays) => ({ ...doc, bays: [...doc.bays, ...bays] });

/** @param {Doc} doc @param {ReadonlySet<string>} uids @returns {Doc} */
export const removeBays = (doc, uids) => ({
  ...doc,
  bays: doc.bays.filter((bay) => !uids.has(bay.uid)),
});

/** @param {Bay} bay @param {Point} delta @returns {Bay} */
export const shiftBay = (bay, delta) => ({
  ...bay,
  points: bay.points.map((p) => add(p, delta)),
  groundQuad: bay.groundQuad && bay.groundQuad.map((p) => add(p, delta)),
});

/** Moved points make an explicit ground quad stale, so it goes: the outline is the truth again.
 * @param {Bay} bay @param {Point[]} points @returns {Bay} */
const reshaped = (bay, points) => ({ ...bay, points, groundQuad: null });

/** Points of neighbours this near to a corner move with it: they are one divider on the ground. */
const SAME_POINT_PX = 0.75;

/**
 * Move some corners; corners of other bays at the same places follow when `linked`.
 * @param {Doc} doc @param {string} uid @param {readonly number[]} indices @param {Point} delta
 * @param {boolean} linked @returns {Doc}
 */
export function movePoints(doc, uid, indices, delta, linked) {
  const bay = bayOf(doc, uid);
  if (!bay) return doc;
  const from = indices.map((i) => bay.points[i]);
  return {
    ...doc,
    bays: doc.bays.map((other) => {
      if (other.uid === uid) {
        return reshaped(other, other.points.map((p, i) => (indices.includes(i) ? add(p, delta) : p)));
      }
      if (!linked) return other;
      let touched = false;
      const points = other.points.map((p) => {
        if (!from.some((q) => distance(p, q) < SAME_POINT_PX)) return p;
        touched = true;
        return add(p, delta);
      });
      return touched ? reshaped(other, points) : other;
    }),
  };
}

/** @param {Doc} doc @param {string} uid @param {number} after @param {Point} point @returns {Doc} */
export const insertPoint = (doc, uid, after, point) =>
  changeBays(doc, new Set([uid]), (bay) =>
    reshaped(bay, [...bay.points.slice(0, after + 1), point, ...bay.points.slice(after + 1)]),
  );

/** @param {Doc} doc @param {string} uid @param {number} index @returns {Doc} */
export const removePoint = (doc, uid, index) =>
  changeBays(doc, new Set([uid]), (bay) =>
    bay.points.length <= 3 ? bay : reshaped(bay, bay.points.filter((_, i) => i !== index)),
  );

/** Proposals that are sure enough to be looked at.
 * @param {{doc: Doc, leastConfidence: number}} state */
export const shownProposals = ({ doc, leastConfidence }) =>
  doc.proposals.filter((p) => p.confidence >= leastConfidence);

/** @param {Doc} doc @returns {Set<string>} */
export const idsOf = (doc) => new Set(doc.bays.map((bay) => bay.id));
