/** People without markup: roles at tenants, and what two people changed at once. */

import type { Person, RoleAt } from '../../api/types';
import type { Difference } from '../../components/Conflict';
import { t, word } from '../../i18n';

/** Which roles there are at a tenant. */
export function rolesOf(tenant: string): RoleAt['role'][] {
  return tenant.startsWith('council:') ? ['council'] : ['viewer', 'technician', 'operator admin'];
}

export const sameRole = (a: RoleAt, b: RoleAt) => a.tenant === b.tenant && a.role === b.role;

/** With a role, or without it if it was there. */
export function toggled(roles: readonly RoleAt[], role: RoleAt): RoleAt[] {
  const without = roles.filter((each) => !sameRole(each, role));
  return without.length === roles.length ? [...roles, role] : without;
}

export const rolesText = (roles: readonly RoleAt[]) =>
  roles
    .map(({ tenant, role }) => `${word('role', role)} · ${tenant}`)
    .sort()
    .join(', ');

export type PersonDraft = Pick<Person, 'name' | 'disabled' | 'roles'>;

export function differences(mine: PersonDraft, theirs: PersonDraft): Difference[] {
  const lines = (of: PersonDraft): [string, string][] => [
    [t('settings.name'), of.name],
    [t('people.disabled'), t(of.disabled ? 'yes' : 'no')],
    [t('people.roles'), rolesText(of.roles)],
  ];
  const other = lines(theirs);
  return lines(mine).flatMap(([label, text], i) => {
    const there = other[i]?.[1] ?? '';
    return text === there ? [] : [{ label, mine: text, theirs: there }];
  });
}

export const stateOf = ({ disabled, ready }: Person) =>
  disabled ? 'disabled' : ready ? 'active' : 'invited';
