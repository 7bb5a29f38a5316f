/** Addresses around the login that come from outside. */

export interface MailLink {
  kind: 'invitation' | 'reset';
  secret: string;
}

/** The link of a mail, in the part of the address that no server sees. */
export function mailLink(hash: string): MailLink | null {
  const found = /^#(invitation|reset)=(.+)$/.exec(hash);
  if (!found?.[1] || !found[2]) return null;
  try {
    return { kind: found[1] as MailLink['kind'], secret: decodeURIComponent(found[2]) };
  } catch {
    return null; // not percent-encoded as it should be: no link of ours
  }
}

/** A path of these pages; `/` for anything that leads elsewhere. */
export function localPath(target: string | undefined): string {
  if (!target?.startsWith('/') || target.startsWith('//') || target.includes('\\')) return '/';
  return target.startsWith('/login') ? '/' : target;
}
