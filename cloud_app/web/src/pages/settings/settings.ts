/** Settings without markup. */

const BROWSERS = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
] as const;
const SYSTEMS = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Windows', 'Windows'],
  ['Mac OS', 'macOS'],
  ['Linux', 'Linux'],
] as const;

/** Browser and system of a user agent, or what it says where neither is known. */
export function deviceName(agent: string): string {
  const named = (known: readonly (readonly [string, string])[]) =>
    known.find(([mark]) => agent.includes(mark))?.[1];
  return [named(BROWSERS), named(SYSTEMS)].filter(Boolean).join(' · ') || agent || '–';
}

/** A secret in groups of four, as people type it. */
export const inGroups = (secret: string) => secret.replace(/(.{4})(?=.)/g, '$1 ');
