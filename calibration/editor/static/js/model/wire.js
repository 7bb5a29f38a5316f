/** Between the server's documents (fractions of the picture) and the editor's (pixels). */

import { clockwise } from '../geometry/polygon.js';
import { makeRegion, newUid } from './document.js';
import { keyed } from './regions.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../types.js').Doc} Doc */
/** @typedef {[number, number]} Size */

/** @param {readonly Point[]} points @param {Size} wh @returns {Point[]} */
export const toFractions = (points, [w, h]) => points.map(([x, y]) => [round(x / w), round(y / h)]);

/** @param {readonly Point[]} points @param {Size} wh @returns {Point[]} */
export const toPixels = (points, [w, h]) => points.map(([x, y]) => [x * w, y * h]);

/** The file keeps six decimals; sending the same makes "changed" mean changed. @param {number} v */
const round = (v) => Math.round(v * 1e6) / 1e6;

/** @param {any} raw @param {Size} wh @param {ReadonlyMap<string, string>} [uids] by `keyed`
 * @returns {Doc} */
export function fromWire(raw, wh, uids = new Map()) {
  const doc = {
    bays: raw.bays.map((/** @type {any} */ bay) => ({
      uid: uids.get(bay.id) ?? newUid(),
      id: bay.id,
      points: toPixels(bay.polygon, wh),
      kind: bay.kind,
      angle: bay.angle,
      zone: bay.zone ?? null,
      level: bay.level ?? null,
      groundQuad: bay.ground_quad ? toPixels(bay.ground_quad, wh) : null,
    })),
    regions: regionsFromWire(raw, wh),
    lot: {
      name: raw.lot.name,
      location: raw.lot.location ?? null,
      street: raw.lot.street,
      levels: [...raw.lot.levels],
    },
    newReference: Boolean(raw.new_reference),
    proposals: (raw.proposals ?? []).map((/** @type {any} */ p) => proposalFromWire(p, wh)),
  };
  for (const [key, outline] of keyed(doc)) outline.uid = uids.get(key) ?? outline.uid;
  return doc;
}

/** @param {any} raw @param {Size} wh @returns {import('../types.js').Region[]} */
export const regionsFromWire = (raw, wh) => [
  .../** @type {['mask'|'area', any[]][]} */ ([
    ['mask', raw.masks ?? []],
    ['area', raw.areas ?? []],
  ]).flatMap(([kind, list]) =>
    list.map(({ name, polygon }) => makeRegion(kind, name, toPixels(polygon, wh))),
  ),
  ...(raw.lines ?? []).map((/** @type {any} */ line) => ({
    ...makeRegion('line', line.id, toPixels(line.points, wh)),
    gate: {
      inSide: line.in_side,
      lot: line.lot ?? null,
      level: line.level ?? null,
      classes: [...line.classes],
    },
  })),
];

/** @param {any} raw @param {Size} wh @returns {import('../types.js').Proposal} */
export const proposalFromWire = (raw, wh) => ({
  uid: newUid(),
  points: toPixels(raw.polygon, wh),
  confidence: raw.confidence,
  group: raw.group,
});

/** What a draft keeps: proposals too. @param {Doc} doc @param {Size} wh */
export const toDraft = (doc, wh) => ({
  ...toWire(doc, wh),
  proposals: doc.proposals.map((p) => ({
    polygon: toFractions(p.points, wh),
    confidence: p.confidence,
    group: p.group,
  })),
});

/** @param {Doc} doc @param {Size} wh */
export const toWire = (doc, wh) => ({
  bays: doc.bays.map((bay) => ({
    id: bay.id,
    polygon: toFractions(clockwise(bay.points), wh),
    kind: bay.kind,
    angle: bay.angle,
    zone: bay.zone,
    level: bay.level,
    ground_quad: bay.groundQuad && toFractions(bay.groundQuad, wh),
  })),
  ...regionsToWire(doc, wh),
  lot: doc.lot,
  new_reference: doc.newReference,
});

/** @param {Doc} doc @param {Size} wh */
export function regionsToWire(doc, wh) {
  const list = (/** @type {string} */ kind) =>
    doc.regions
      .filter((region) => region.kind === kind)
      .map(({ name, points }) => ({ name, polygon: toFractions(points, wh) }));
  const lines = doc.regions.flatMap(({ name, points, gate }) =>
    gate
      ? [
          {
            id: name,
            points: toFractions(points, wh),
            in_side: gate.inSide,
            lot: gate.lot,
            level: gate.level,
            classes: gate.classes,
          },
        ]
      : [],
  );
  return { masks: list('mask'), areas: list('area'), lines };
}
