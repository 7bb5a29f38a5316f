// Talking to the service: JSON over fetch, live updates over a fetch stream.
// (EventSource cannot send the token, so the stream is read by hand.)

import { byId } from './shared/dom.js';

/** @type {HTMLDialogElement} */
const login = byId('login');

/** @returns {Record<string, string>} */
function headers() {
  const token = sessionStorage.getItem('token');
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** @returns {Promise<void>} */
function askForToken() {
  if (!login.open) login.showModal();
  return new Promise((resolve) => {
    login.addEventListener(
      'close',
      () => {
        const field = byId('token');
        if (field.value) sessionStorage.setItem('token', field.value.trim());
        field.value = '';
        resolve();
      },
      { once: true },
    );
  });
}

/** @param {string} path @param {RequestInit} [options] */
async function request(path, options = {}) {
  for (;;) {
    const response = await fetch(path, { headers: headers(), cache: 'no-store', ...options });
    if (response.status !== 401) return response;
    await askForToken();
  }
}

/** What the API answers to a GET. @param {string} path @returns {Promise<any>} */
export async function get(path) {
  const response = await request(`api/v1/${path}`);
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new Error(body.detail || `the service answered ${response.status}`);
  }
  return response.json();
}

/**
 * Follow the live stream, whatever happens to it.
 * @param {() => void} onChange
 * @param {(isOn: boolean) => void} onState  as the stream comes and goes
 */
export async function follow(onChange, onState) {
  let wait = 500;
  for (;;) {
    try {
      const response = await request('api/v1/live');
      if (!response.ok || !response.body) throw new Error(String(response.status));
      onState(true);
      wait = 500;
      await readLines(response.body, (line) => {
        if (line.startsWith('data:')) onChange();
      });
    } catch {
      // Any failure means the same: try again, a little later each time.
    }
    onState(false);
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
    wait = Math.min(wait * 2, 15000);
  }
}

/** @param {ReadableStream<BufferSource>} body @param {(line: string) => void} onLine */
async function readLines(body, onLine) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  }
}
