/**
 * Answers on their way: sent one after the other, kept in the browser until the server has them on
 * its disk. The person never waits, and closing the page or losing the server loses nothing.
 */

import { ApiError } from '../../editor/js/api.js';

const RETRY_MS = 2000;

/** @typedef {import('./types.js').Entry} Entry */

export class Outbox {
  /** @type {Entry[]} */
  #waiting;
  /** @type {Promise<void>|null} */
  #sending = null;
  #faulty = false;
  #retry = 0;

  /**
   * @param {import('../../editor/js/api.js').Api} api
   * @param {string} key  of the browser's store
   * @param {(progress: import('./types.js').Progress|null, waiting: number, fault: string|null) => void} told
   * @param {(message: string) => void} refused  an answer that the server will never take
   */
  constructor(api, key, told, refused) {
    this.api = api;
    this.key = key;
    this.told = told;
    this.refused = refused;
    this.#waiting = restore(key);
  }

  get waiting() {
    return this.#waiting.length;
  }

  /** Items that are answered, as far as this page knows. @returns {string[]} */
  get items() {
    return this.#waiting.flatMap((entry) => entry.answers.map((a) => a.item));
  }

  /** @param {Entry} entry */
  put(entry) {
    this.#waiting.push(entry);
    this.#keep();
    if (!this.#faulty) this.told(null, this.waiting, null);
    void this.flush();
  }

  /** Take back the newest answer that has not been sent. @returns {Entry|null} */
  takeBack() {
    const from = this.#sending ? 1 : 0;
    if (this.#waiting.length <= from) return null;
    const entry = this.#waiting.pop() ?? null;
    this.#keep();
    return entry;
  }

  /** Send what waits; done when all is sent, or the server is away. */
  flush() {
    this.#sending ??= this.#send().finally(() => (this.#sending = null));
    return this.#sending;
  }

  async #send() {
    clearTimeout(this.#retry);
    /** @type {import('./types.js').Progress|null} */
    let progress = null;
    /** @type {string|null} */
    let fault = null;
    while (this.#waiting.length > 0 && fault === null) {
      try {
        progress = await this.api.json('answers', 'POST', this.#waiting[0]);
        this.#waiting.shift();
      } catch (error) {
        const { status, message } = error instanceof ApiError ? error : { status: 0, message: String(error) };
        if (status >= 400 && status < 500 && status !== 403) {
          this.#waiting.shift();
          this.refused(message);
        } else fault = message;
      }
      this.#keep();
    }
    this.#faulty = fault !== null;
    this.told(progress, this.#waiting.length, fault);
    if (fault !== null) this.#retry = window.setTimeout(() => void this.flush(), RETRY_MS);
  }

  #keep() {
    if (this.#waiting.length === 0) localStorage.removeItem(this.key);
    else localStorage.setItem(this.key, JSON.stringify(this.#waiting));
  }
}

/** @param {string} key @returns {Entry[]} */
function restore(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}
