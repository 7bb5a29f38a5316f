/**
 * The API, typed from its OpenAPI document: `await ask(api.GET('/api/v1/lots'))` is the answer, or it
 * throws an `ApiError`.
 */

import { signal } from '@preact/signals';
import createClient, { type Middleware } from 'openapi-fetch';
import type { paths } from '#types';
import type { Answer, TypedClient } from './typed';

/** The value of `X-CSRF-Token`; set from `GET /api/v1/access`. */
export const csrf = signal('');
/** Whether the service said that it does not know us any more. */
export const sessionEnded = signal(false);

const TOKEN = 'token';
export const accessToken = () => sessionStorage.getItem(TOKEN);
export const keepAccessToken = (token: string) => sessionStorage.setItem(TOKEN, token);
export const dropAccessToken = () => sessionStorage.removeItem(TOKEN);

/** What is sent with every request, outside this client too. */
export function credentials(): Record<string, string> {
  const token = accessToken();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** An answer that is none: refused, failed, or no answer at all (`status` 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  /**
   * @param status of HTTP; 0 where the service could not be reached
   * @param body what came with it, such as the newer data of a 412
   */
  constructor(
    readonly status: number,
    message: string,
    readonly body: unknown = null,
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
  }
}

const middleware: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(credentials())) request.headers.set(name, value);
    if (csrf.value && request.method !== 'GET') request.headers.set('X-CSRF-Token', csrf.value);
    return request;
  },
  onResponse({ request, response }) {
    // A wrong password at the login is no session that ended.
    const isLogin = /\/api\/v1\/(login|links|me)\b/.test(new URL(request.url).pathname);
    if (response.status === 401 && !isLogin) sessionEnded.value = true;
    return undefined;
  },
};

const client = createClient<paths>({ baseUrl: location.origin, cache: 'no-store' });
client.use(middleware);
export const api = client as unknown as TypedClient;

/** The data of an answer. @throws {ApiError} */
export async function ask<T>(asking: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await reached(asking);
  if (response.ok) return data as T;
  throw errorOf(response, error);
}

/** The same, with the version that a change must name. @throws {ApiError} */
export async function askWithVersion<T>(asking: Promise<Answer<T>>): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await reached(asking);
  if (response.ok) return { data: data as T, etag: response.headers.get('ETag') ?? '' };
  throw errorOf(response, error);
}

async function reached<T>(asking: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, error instanceof Error ? error.message : String(error));
  }
}

function errorOf(response: Response, body: unknown): ApiError {
  const retry = Number(response.headers.get('Retry-After'));
  return new ApiError(response.status, detailOf(body) ?? response.statusText, body, retry || null);
}

/** What a refusal says: a sentence, or a list of faults by place. */
export function detailOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('detail' in body)) return null;
  const { detail } = body;
  if (typeof detail === 'string') return detail;
  if (!Array.isArray(detail)) return null;
  const faults = detail as { loc?: unknown[]; msg?: string }[];
  return faults.map(({ loc = [], msg = '' }) => `${loc.slice(1).join('.')}: ${msg}`).join('\n');
}

/** The address of a file of the API, such as an export, with the filters of a list. */
export function fileUrl(
  path: string,
  query: Readonly<Record<string, string | readonly string[] | undefined>>,
): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of typeof value === 'string' ? [value] : (value ?? []))
      if (each) parts.append(name, each);
  }
  return `${path}?${parts}`;
}
