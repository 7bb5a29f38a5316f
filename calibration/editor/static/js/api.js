/** The server, as functions. Every change carries the page's token (another site cannot know it). */

/** An error response. */
export class ApiError extends Error {
  /** @param {number} status @param {any} detail */
  constructor(status, detail) {
    super(typeof detail === 'string' ? detail : (detail?.message ?? `The server answered ${status}`));
    this.status = status;
    this.detail = detail;
  }
}

export class Api {
  token = '';
  /** The label page's server and the box name it so; another host of the editor says how. */
  tokenHeader = 'X-Lotsight-Token';
  away = 'Cannot reach the editor\u2019s server; your changes are kept in this browser.';

  /** @param {string} camera */
  constructor(camera) {
    this.base = `api/${encodeURIComponent(camera)}`;
  }

  /** @param {string} path @param {RequestInit} [init] @param {boolean} [again] @returns {Promise<Response>} */
  async #fetch(path, init = {}, again = true) {
    const headers = new Headers(init.headers);
    if (init.method && init.method !== 'GET') headers.set(this.tokenHeader, this.token);
    let answer;
    try {
      answer = await fetch(`${this.base}/${path}`, { ...init, headers, cache: 'no-store' });
    } catch {
      throw new ApiError(0, this.away);
    }
    if (answer.ok) return answer;
    if (answer.status === 403 && again) {
      // The server was restarted and has another token; this page may ask for it.
      await this.session();
      return this.#fetch(path, init, false);
    }
    const body = await answer.json().catch(() => ({}));
    throw new ApiError(answer.status, body.detail);
  }

  /** @param {string} path @param {string} [method] @param {any} [body] @returns {Promise<any>} */
  async json(path, method = 'GET', body = undefined) {
    const init =
      body === undefined
        ? { method }
        : { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const answer = await this.#fetch(path, init);
    return answer.status === 204 ? null : answer.json();
  }

  /** @returns {Promise<import('./types.js').Session>} */
  async session() {
    const session = await this.json('session');
    this.token = session.token;
    this.tokenHeader = session.token_header ?? this.tokenHeader;
    return session;
  }

  /** @param {number} time_s @param {number} version changes when a live image should be fetched again */
  pictureUrl(time_s, version) {
    return `${this.base}/picture?time_s=${time_s.toFixed(2)}&v=${version}`;
  }

  /** Why there is no image, as the server says it. */
  async pictureFault() {
    try {
      await this.#fetch('picture');
    } catch (error) {
      if (error instanceof ApiError && error.detail) return error.message;
    }
    return 'Cannot load the image; the camera may be down.';
  }

  /** @param {any} document @param {string} format */
  async export(document, format) {
    const answer = await this.#fetch('export', {
      method: 'POST',
      body: JSON.stringify({ document, format }),
      headers: { 'Content-Type': 'application/json' },
    });
    const name = /filename="([^"]+)"/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1];
    return { blob: await answer.blob(), name: name ?? 'bays.json' };
  }

  /**
   * @param {File} file
   * @param {import('./types.js').ImportChoice} choice
   * @returns {Promise<{bays: any[], findings: import('./types.js').Finding[]}>}
   */
  async import(file, { categories, stretch, ...rest }) {
    const query = new URLSearchParams({ ...rest, name: file.name, stretch: String(stretch) });
    for (const category of categories) query.append('category', category);
    const answer = await this.#fetch(`import?${query}`, { method: 'POST', body: file });
    return answer.json();
  }
}
