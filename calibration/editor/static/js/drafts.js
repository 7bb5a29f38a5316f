/**
 * Nothing drawn is lost. Each tab keeps its own draft twice: in this browser (survives a server
 * that is down) and at the server (survives another browser or port). A tab never writes the draft
 * of another one.
 */

import { h } from '../../shared/dom.js';
import { merge, sameDoc } from './model/diff.js';
import { uidsOf } from './model/regions.js';
import { fromWire, regionsToWire, toDraft } from './model/wire.js';
import { debounce } from './ui/dom.js';
import { toast } from './ui/notices.js';

/** @typedef {{tab: string, saved_at: string, base_revision: number, document: any}} Draft */

const TAB = 'lotsight-tab';
const AGE_MS = 30 * 24 * 3600 * 1000;

export class Drafts {
  /** @type {string} */ #tab = '';
  #later = debounce(250, () => void this.#keep());
  #channel = new BroadcastChannel('lotsight-editor');

  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.prefix = `lotsight-draft:${location.pathname}:${app.session.camera}:`;
  }

  /** Take this tab's draft up again, or offer those that others left behind. */
  async begin() {
    this.#tab = await this.#tabId();
    const kept = this.#mine();
    const here = [...this.#inBrowser(), ...this.app.session.drafts];
    const own = kept ?? here.find((draft) => draft.tab === this.#tab);
    if (own) this.#restore(own);
    else await this.#offer(here);
    this.app.store.subscribe((state, before) => {
      if (state.doc !== before.doc) this.#later();
    });
    addEventListener('pagehide', () => this.#keepHere());
  }

  /** A duplicated tab inherits the name of its twin; if the twin answers, take another. */
  async #tabId() {
    let tab = sessionStorage.getItem(TAB) ?? crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    const inUse = await new Promise((resolve) => {
      const id = tab;
      this.#channel.onmessage = ({ data }) => data.here === id && resolve(true);
      this.#channel.postMessage({ asks: id });
      setTimeout(() => resolve(false), 80);
    });
    if (inUse) tab = `${tab.slice(0, 24)}-${Date.now().toString(36)}`;
    sessionStorage.setItem(TAB, tab);
    this.#channel.onmessage = ({ data }) => data.asks === tab && this.#channel.postMessage({ here: tab });
    return tab;
  }

  #mine() {
    return read(this.prefix + this.#tab);
  }

  #inBrowser() {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(this.prefix))
      .map(read)
      .filter((draft) => draft !== null);
  }

  /** @param {Draft} draft */
  #restore(draft) {
    const { store, imageWh } = this.app;
    // A draft of before masks and areas could be drawn says nothing of them.
    const document = { ...regionsToWire(store.state.doc, imageWh), ...draft.document };
    const doc = fromWire(document, imageWh, uidsOf(store.state.doc));
    if (sameDoc(doc, store.state.doc) && doc.proposals.length === 0) return;
    store.edit('Restore draft', () => doc);
    const { base } = store.state;
    if (draft.base_revision !== base.revision) {
      // Drawn on an older revision: saving would be refused, so both are joined on the way.
      void this.#rebase(draft.base_revision);
    }
    toast(`Draft from ${clock(draft.saved_at)} restored.`, { action: 'Discard', run: () => this.discard() });
  }

  /** @param {number} revision */
  async #rebase(revision) {
    const { store, server } = this.app;
    const then =
      revision > 0 ? await server.revision(revision) : { ...store.state.base.doc, bays: [], regions: [] };
    if (!then) return;
    const joined = merge(then, store.state.doc, store.state.base.doc);
    store.edit('Merge with the saved revision', () => joined.doc);
  }

  discard() {
    this.app.store.edit('Discard draft', () => this.app.store.state.base.doc, { patch: { selection: [] } });
    this.forget();
  }

  /** @param {Draft[]} drafts */
  async #offer(drafts) {
    /** @type {Set<string>} */
    const alive = new Set();
    this.#channel.addEventListener('message', ({ data }) => data.here && alive.add(data.here));
    for (const { tab } of drafts) this.#channel.postMessage({ asks: tab });
    await new Promise((resolve) => setTimeout(resolve, 80));
    const left = drafts
      .filter((d) => !alive.has(d.tab) && Date.now() - Date.parse(d.saved_at) < AGE_MS)
      .sort((a, b) => b.saved_at.localeCompare(a.saved_at));
    if (left.length === 0) return;
    const draft = left[0];
    const bar = h(
      'div',
      { class: 'offer', role: 'region', 'aria-label': 'Unsaved draft' },
      h(
        'span',
        {},
        `There is an unsaved draft from ${clock(draft.saved_at)} (${draft.document.bays.length} bays).`,
      ),
      h(
        'button',
        {
          type: 'button',
          class: 'primary',
          onclick: () => {
            bar.remove();
            this.#restore(draft);
            this.#drop(draft.tab);
          },
        },
        'Restore',
      ),
      h(
        'button',
        {
          type: 'button',
          onclick: () => {
            bar.remove();
            for (const d of left) this.#drop(d.tab);
          },
        },
        'Discard',
      ),
    );
    document.getElementById('canvas')?.append(bar);
  }

  /** @param {string} tab */
  #drop(tab) {
    localStorage.removeItem(this.prefix + tab);
    void this.app.api.json(`draft/${encodeURIComponent(tab)}`, 'DELETE').catch(() => {});
  }

  forget() {
    this.#drop(this.#tab);
    this.app.store.set({ draft: 'none' });
  }

  /** @returns {Draft} */
  #draft() {
    const { store, imageWh } = this.app;
    return {
      tab: this.#tab,
      saved_at: new Date().toISOString(),
      base_revision: store.state.base.revision,
      document: toDraft(store.state.doc, imageWh),
    };
  }

  get #worthKeeping() {
    const { doc, base } = this.app.store.state;
    return !sameDoc(doc, base.doc) || doc.proposals.length > 0;
  }

  /** At once, and even while the page goes away. */
  #keepHere() {
    if (!this.#worthKeeping) return;
    try {
      localStorage.setItem(this.prefix + this.#tab, JSON.stringify(this.#draft()));
    } catch {
      // The browser's store is full or closed; the server's copy is the other leg.
    }
  }

  async #keep() {
    const { store, api } = this.app;
    if (!this.#worthKeeping) return this.forget();
    store.set({ draft: 'keeping' });
    this.#keepHere();
    try {
      await api.json(`draft/${encodeURIComponent(this.#tab)}`, 'PUT', this.#draft());
      store.set({ draft: 'kept' });
    } catch {
      store.set({ draft: 'offline' });
    }
    return undefined;
  }
}

/** @param {string} key @returns {Draft|null} */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

/** @param {string} iso */
const clock = (iso) => new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
