/** Numbering of bays by pattern: the id of the first bay says it all ("A01", "P2-117", "7b"). */

const LAST_NUMBER = /^(.*?)(\d+)(\D*)$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** @param {string} id */
export const isIdentifier = (id) => ID.test(id);

/** The id `steps` after `id`, its zeros kept: A01 -> A02. @param {string} id @param {number} steps */
export function advance(id, steps) {
  const parts = LAST_NUMBER.exec(id);
  if (!parts) return steps === 0 ? id : `${id}${steps + 1}`;
  const [, prefix, digits, suffix] = parts;
  return `${prefix}${String(Number(digits) + steps).padStart(digits.length, '0')}${suffix}`;
}

/** Numbers from text such as "4,13,20-29"; what is no number is passed over. @param {string} text */
export function parseSkip(text) {
  /** @type {Set<number>} */
  const skip = new Set();
  for (const part of text.split(',')) {
    const found = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    if (!found) continue;
    const first = Number(found[1]);
    const last = Math.min(Number(found[2] ?? first), first + 1000);
    for (let n = first; n <= last; n++) skip.add(n);
  }
  return skip;
}

/** `count` ids from `first` on. @param {string} first @param {number} count
 * @param {{step?: number, skip?: string}} [rule] */
export function numbered(first, count, { step = 1, skip = '' } = {}) {
  const left = parseSkip(skip);
  const ids = [];
  for (let i = 0; ids.length < count && i < 20 * count + 2000; i++) {
    const id = advance(first, i * step);
    const number = LAST_NUMBER.exec(id);
    if (!number || !left.has(Number(number[2]))) ids.push(id);
  }
  return ids;
}

/** @param {string} letters @returns {string} */
function nextLetters(letters) {
  const last = letters[letters.length - 1];
  if (last !== 'Z' && last !== 'z') {
    return letters.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1);
  }
  const first = last === 'Z' ? 'A' : 'a';
  return letters.length === 1 ? first + first : nextLetters(letters.slice(0, -1)) + first;
}

/**
 * First id for the next row: A01 -> B01; without a letter the number runs on: 001 (15 bays) -> 016.
 * Ids that are taken, or were once, are passed over.
 * @param {string} pattern of the last row
 * @param {number} count of the last row
 * @param {ReadonlySet<string>} taken
 */
export function nextRow(pattern, count, taken) {
  let next = pattern;
  for (let tries = 0; tries < 1000; tries++) {
    const letters = /^([A-Za-z]+)(.*\d.*)$/.exec(next);
    next = letters ? nextLetters(letters[1]) + letters[2] : advance(next, Math.max(count, 1));
    if (!taken.has(next)) return next;
  }
  return next;
}

/** The first id after `id` that is free. @param {string} id @param {ReadonlySet<string>} taken */
export function nextFree(id, taken) {
  for (let steps = 1; steps < 10000; steps++) {
    const next = advance(id, steps);
    if (!taken.has(next)) return next;
  }
  return id;
}
