/** Times, durations and sizes as people read them. */

/** Seconds as one or two units. @param {number} seconds */
export function span(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 10) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  if (hours < 48) return `${Math.round(minutes / 60)} h`;
  return `${Math.round(minutes / 1440)} days`;
}

/** How long ago a time was. @param {string|null|undefined} iso @param {number} [now_ms] */
export function ago(iso, now_ms = Date.now()) {
  if (!iso) return 'never';
  const seconds = Math.max(0, (now_ms - Date.parse(iso)) / 1000);
  return seconds < 5 ? 'now' : `${span(seconds)} ago`;
}

/** Time of day in the reader's zone. @param {string} iso */
export const timeOfDay = (iso) =>
  new Date(iso).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });

/** Day and time in the reader's zone. @param {string} iso */
export const dayAndTime = (iso) =>
  new Date(iso).toLocaleString([], {
    day: '2-digit',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  });

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size with its binary unit. @param {number} count */
export function bytes(count) {
  const power = count < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${value.toFixed(power && value < 100 ? 1 : 0)} ${UNITS[power]}`;
}

/** A share as whole per cent. @param {number} share */
export const percent = (share) => `${Math.round(share * 100)} %`;

/** A code of the contract as words. @param {string} code */
export const spaced = (code) => code.replaceAll('_', ' ');
