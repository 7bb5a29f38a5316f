/**
 * The client's types, taken from the document as it stands.
 *
 * openapi-fetch's own make a pair of numbers a list, and know no answer of a route that answers with
 * JSON or CSV.
 */

import type createClient from 'openapi-fetch';
import type { ClientPathsWithMethod, MaybeOptionalInit } from 'openapi-fetch';
import type { HttpMethod, RequiredKeysOf } from 'openapi-typescript-helpers';
import type { paths } from '#types';

type Client = ReturnType<typeof createClient<paths>>;

export interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The JSON of an operation's good answers; undefined where it has none. */
type JsonOf<Operation> = Operation extends { responses: infer Responses }
  ? {
      [Code in keyof Responses & (200 | 201 | 202 | 204)]: Responses[Code] extends {
        content: { 'application/json': infer Body };
      }
        ? Body
        : undefined;
    }[keyof Responses & (200 | 201 | 202 | 204)]
  : never;

type Given<Init> = RequiredKeysOf<Init> extends never ? [Init?] : [Init];

type Call<Method extends HttpMethod> = <
  Path extends ClientPathsWithMethod<Client, Method>,
  Init extends MaybeOptionalInit<paths[Path], Method>,
>(
  path: Path,
  ...init: Given<Init>
) => Promise<Answer<JsonOf<paths[Path][Method & keyof paths[Path]]>>>;

export interface TypedClient {
  GET: Call<'get'>;
  PUT: Call<'put'>;
  POST: Call<'post'>;
  PATCH: Call<'patch'>;
  DELETE: Call<'delete'>;
}
