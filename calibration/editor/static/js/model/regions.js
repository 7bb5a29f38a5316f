/** Words, names and keys of privacy masks, watched areas and counted lines. */

/** @typedef {import('../types.js').Region} Region */
/** @typedef {import('../types.js').Outline} Outline */
/** @typedef {import('../types.js').Doc} Doc */

/** What people call them. @type {Record<Region['kind'], string>} */
export const WORDS = { mask: 'privacy mask', area: 'watched area', line: 'counted line' };

/** Short, as in front of a name. @type {Record<Region['kind'], string>} */
const SHORT = { mask: 'Mask', area: 'Area', line: 'Line' };

/** @param {string} tool @returns {tool is Region['kind']} */
export const isRegionTool = (tool) => tool in WORDS;

/** What an outline is called among all others. @param {Outline} outline */
export const titleOf = (outline) =>
  'id' in outline ? `Bay ${outline.id}` : `${SHORT[outline.kind]} ${outline.name}`;

/**
 * A key for each outline that two versions of a document have in common: ids of bays, kinds and
 * names of regions. No id has a colon. A name that is there twice (a fault, but it must not vanish)
 * gets its number.
 * @param {Doc} doc @returns {Map<string, Outline>}
 */
export function keyed(doc) {
  /** @type {Map<string, Outline>} */
  const found = new Map(doc.bays.map((bay) => [bay.id, bay]));
  for (const region of doc.regions) {
    let key = `${region.kind}:${region.name}`;
    for (let n = 2; found.has(key); n++) key = `${region.kind}:${n}:${region.name}`;
    found.set(key, region);
  }
  return found;
}

/** The uids that outlines of another version of the document go on with. @param {Doc} doc */
export const uidsOf = (doc) => new Map([...keyed(doc)].map(([key, outline]) => [key, outline.uid]));

/** What some outlines are called together: "bay", "3 bays", "mask", "2 outlines".
 * @param {Doc} doc @param {readonly string[]} uids */
export function called(doc, uids) {
  const kinds = new Set(
    doc.regions.filter((r) => uids.includes(r.uid)).map((r) => /** @type {string} */ (r.kind)),
  );
  if (doc.bays.some((bay) => uids.includes(bay.uid))) kinds.add('bay');
  const word = kinds.size === 1 ? [...kinds][0] : 'outline';
  return uids.length === 1 ? word : `${uids.length} ${word}s`;
}

/** A name that no other of its kind has: "area 1"; a line's is an id: "line-1". @param {Doc} doc @param {Region['kind']} kind */
export function freeName(doc, kind) {
  const taken = new Set(doc.regions.filter((r) => r.kind === kind).map((r) => r.name));
  const first = kind === 'line' ? 'line-' : `${kind} `;
  let number = 1;
  while (taken.has(`${first}${number}`)) number += 1;
  return `${first}${number}`;
}

/** What is wrong with each region, worst first, by uid.
 * @param {Doc} doc @param {readonly import('../types.js').Finding[]} findings
 * @returns {Map<string, 'error'|'warning'>} */
export function worstByRegion(doc, findings) {
  const worst = new Map();
  for (const finding of findings) {
    if (finding.severity === 'info') continue;
    for (const region of doc.regions) {
      if (finding[region.kind] !== region.name || worst.get(region.uid) === 'error') continue;
      worst.set(region.uid, finding.severity);
    }
  }
  return worst;
}
