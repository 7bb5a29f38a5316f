/** Pure operations on the document: each gives a new one and shares what did not change. */

import { add, clockwise, distance } from '../geometry/polygon.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../types.js').Bay} Bay */
/** @typedef {import('../types.js').Region} Region */
/** @typedef {import('../types.js').Outline} Outline */
/** @typedef {import('../types.js').Doc} Doc */

/** As calibration.types.MOST_POINTS. */
export const MOST_POINTS = 64;
export const LEAST_POINTS = 3;

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
  regions: [],
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

/** @param {Region['kind']} kind @param {string} name @param {Point[]} points @returns {Region} */
export const makeRegion = (kind, name, points) => ({ uid: newUid(), kind, name, points });

/** @param {Outline} outline @returns {outline is Bay} */
export const isBay = (outline) => 'id' in outline;

/** @param {Outline} outline @returns {outline is Region} */
export const isRegion = (outline) => !isBay(outline);

/** Everything with an outline: bays, then masks and areas. @param {Doc} doc @returns {Outline[]} */
export const outlinesOf = (doc) => [...doc.bays, ...doc.regions];

/** @param {Doc} doc @param {string} uid */
export const regionOf = (doc, uid) => doc.regions.find((region) => region.uid === uid);

/** @param {Doc} doc @param {string} uid @returns {Outline|undefined} */
export const outlineOf = (doc, uid) => bayOf(doc, uid) ?? regionOf(doc, uid);

/** @param {Doc} doc @param {ReadonlySet<string>} uids @param {(bay: Bay) => Bay} change
 * @returns {Doc} */
export const changeBays = (doc, uids, change) => ({
  ...doc,
  bays: doc.bays.map((bay) => (uids.has(bay.uid) ? change(bay) : bay)),
});

/** @param {Doc} doc @param {Bay[]} bays @returns {Doc} */
export const addBays = (doc, bays) => ({ ...doc, bays: [...doc.bays, ...bays] });

/** @param {Doc} doc @param {ReadonlySet<string>} uids @param {(region: Region) => Region} change
 * @returns {Doc} */
export const changeRegions = (doc, uids, change) => ({
  ...doc,
  regions: doc.regions.map((region) => (uids.has(region.uid) ? change(region) : region)),
});

/** Change bays, masks and areas alike. A list of which none is meant stays the same list, so that
 * it need not be reviewed again.
 * @param {Doc} doc @param {ReadonlySet<string>} uids @param {<T extends Outline>(outline: T) => T} change
 * @returns {Doc} */
export function changeOutlines(doc, uids, change) {
  const meant = (/** @type {Outline} */ outline) => uids.has(outline.uid);
  const changed = doc.bays.some(meant) ? changeBays(doc, uids, change) : doc;
  return doc.regions.some(meant) ? changeRegions(changed, uids, change) : changed;
}

/** @param {Doc} doc @param {Region} region @returns {Doc} */
export const addRegion = (doc, region) => ({ ...doc, regions: [...doc.regions, region] });

/** @param {Doc} doc @param {ReadonlySet<string>} uids @returns {Doc} */
export const removeOutlines = (doc, uids) => ({
  ...doc,
  bays: doc.bays.filter((bay) => !uids.has(bay.uid)),
  regions: doc.regions.filter((region) => !uids.has(region.uid)),
});

/** @template {Outline} T @param {T} outline @param {Point} delta @returns {T} */
export const shifted = (outline, delta) => ({
  ...outline,
  points: outline.points.map((p) => add(p, delta)),
  ...(isBay(outline) && { groundQuad: outline.groundQuad?.map((p) => add(p, delta)) }),
});

/** Moved points make an explicit ground quad stale, so it goes: the outline is the truth again.
 * @template {Outline} T @param {T} outline @param {Point[]} points @returns {T} */
const reshaped = (outline, points) => ({ ...outline, points, ...(isBay(outline) && { groundQuad: null }) });

/** Points of neighbours this near to a corner move with it: they are one divider on the ground. */
const SAME_POINT_PX = 0.75;

/**
 * Move some corners; corners of other bays at the same places follow a bay's when `linked`. A mask
 * or an area shares no divider with anything.
 * @param {Doc} doc @param {string} uid @param {readonly number[]} indices @param {Point} delta
 * @param {boolean} linked @returns {Doc}
 */
export function movePoints(doc, uid, indices, delta, linked) {
  const own = outlineOf(doc, uid);
  if (!own) return doc;
  const moved = changeOutlines(doc, new Set([uid]), (outline) =>
    reshaped(
      outline,
      outline.points.map((p, i) => (indices.includes(i) ? add(p, delta) : p)),
    ),
  );
  if (!linked || !isBay(own)) return moved;
  const from = indices.map((i) => own.points[i]);
  return {
    ...moved,
    bays: moved.bays.map((other) => {
      if (other.uid === uid) return other;
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
  (outlineOf(doc, uid)?.points.length ?? MOST_POINTS) >= MOST_POINTS
    ? doc
    : changeOutlines(doc, new Set([uid]), (outline) =>
        reshaped(outline, [...outline.points.slice(0, after + 1), point, ...outline.points.slice(after + 1)]),
      );

/** @param {Doc} doc @param {string} uid @param {number} index @returns {Doc} */
export const removePoint = (doc, uid, index) =>
  (outlineOf(doc, uid)?.points.length ?? 0) <= LEAST_POINTS
    ? doc
    : changeOutlines(doc, new Set([uid]), (outline) =>
        reshaped(
          outline,
          outline.points.filter((_, i) => i !== index),
        ),
      );

/** Proposals that are sure enough to be looked at.
 * @param {{doc: Doc, leastConfidence: number}} state */
export const shownProposals = ({ doc, leastConfidence }) =>
  doc.proposals.filter((p) => p.confidence >= leastConfidence);

/** @param {Doc} doc @returns {Set<string>} */
export const idsOf = (doc) => new Set(doc.bays.map((bay) => bay.id));
