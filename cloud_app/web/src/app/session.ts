/** Who uses the page, and what they may do. */

import { computed, signal } from '@preact/signals';
import { api, ask, csrf, dropAccessToken, sessionEnded } from '../api/client';
import type { Access, Permission } from '../api/types';
import { forgetData } from '../api/useData';

/** Null before the service has said it. */
export const access = signal<Access | null>(null);
export const isIn = computed(() => access.value !== null && access.value.kind !== null);

/** Whether a page may show what needs a permission. The service decides; this hides what it refuses. */
export const may = (permission: Permission) => access.value?.may.includes(permission) ?? false;

/** Ask who we are. @throws {ApiError} */
export async function refreshAccess(): Promise<Access> {
  const found = await ask(api.GET('/api/v1/access'));
  csrf.value = found.session?.csrf ?? '';
  sessionEnded.value = false;
  access.value = found;
  return found;
}

/** End the session, here and at the service. @throws {ApiError} */
export async function logOut(): Promise<void> {
  if (access.value?.session) await ask(api.DELETE('/api/v1/session'));
  dropAccessToken();
  forgetData();
  access.value = null;
  location.assign('/login');
}
