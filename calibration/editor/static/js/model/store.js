/** The one place where state lives: the document with its history, and what the page shows. */

import { emptyDoc, outlinesOf } from './document.js';

/** @typedef {import('../types.js').Doc} Doc */

/**
 * @typedef {object} State
 * @property {Doc} doc
 * @property {readonly string[]} selection     uids
 * @property {number|null} activePoint         of the single selected outline, for the keyboard
 * @property {'select'|'polygon'|'row'|'mask'|'area'|'line'|'hand'} tool
 * @property {import('../types.js').Point[]} polygon   being drawn
 * @property {import('../types.js').Row|null} row      being laid out
 * @property {{quad: import('../types.js').Point[], from: import('../types.js').Point}|null} copy
 * @property {import('../types.js').Point|null} cursor where the next point would go
 * @property {boolean} cursorByKeys            the arrow keys put it there, not the pointer
 * @property {'corner'|'edge'|null} snapped
 * @property {string|null} hint                what is wrong with the shape in hand
 * @property {string|null} proposal           uid of the one under review
 * @property {number} leastConfidence         proposals below it are not shown
 * @property {readonly import('../types.js').Finding[]} findings
 * @property {boolean} checked                 whether `findings` belong to `doc`
 * @property {boolean} liveOn
 * @property {boolean} liveBusy
 * @property {ReadonlyMap<string, import('../types.js').LiveState>} live   by uid
 * @property {readonly string[]} byEye         ids of bays that the box asks a person to judge
 * @property {import('../types.js').Compare|null} compare
 * @property {import('../types.js').Align|null} align
 * @property {number} time_s
 * @property {string} panel
 * @property {string|null} busy                what the server is doing for us
 * @property {boolean} labels
 * @property {boolean} regionsShown            masks and areas are drawn
 * @property {boolean} regionsLocked           clicks on the picture pass through them
 * @property {boolean} multi                   taps add to the selection (touch)
 * @property {{revision: number, doc: Doc}} base      the revision that is being edited
 * @property {import('../types.js').Revision[]} revisions
 * @property {readonly string[]} retired
 * @property {'kept'|'keeping'|'offline'|'none'} draft
 */

/** Enough for a day's work: an entry shares all but the bays that it changed. */
const HISTORY = 500;

/** @returns {State} */
const initial = () => ({
  doc: emptyDoc(),
  selection: [],
  activePoint: null,
  tool: 'select',
  polygon: [],
  row: null,
  copy: null,
  cursor: null,
  cursorByKeys: false,
  snapped: null,
  hint: null,
  proposal: null,
  leastConfidence: 0.25,
  findings: [],
  checked: false,
  liveOn: false,
  liveBusy: false,
  live: new Map(),
  byEye: [],
  compare: null,
  align: null,
  time_s: 0,
  panel: 'bays',
  busy: null,
  labels: true,
  regionsShown: true,
  regionsLocked: false,
  multi: false,
  base: { revision: 0, doc: emptyDoc() },
  revisions: [],
  retired: [],
  draft: 'none',
});

export class Store {
  /** @type {State} */ state = initial();
  /** @type {{doc: Doc, label: string}[]} */ #past = [];
  /** @type {{doc: Doc, label: string}[]} */ #future = [];
  /** @type {string|null} */ #gesture = null;
  /** @type {Set<(state: State, before: State) => void>} */ #listeners = new Set();
  /** @type {State|null} */ #before = null;

  /** Call `listener` once for all changes of one turn. @param {(state: State, before: State) => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** Change what is shown; not undone by undo. @param {Partial<State>} patch */
  set(patch) {
    if (this.#before === null) {
      this.#before = this.state;
      queueMicrotask(() => this.#notify());
    }
    this.state = { ...this.state, ...patch };
  }

  #notify() {
    const before = /** @type {State} */ (this.#before);
    this.#before = null;
    for (const listener of this.#listeners) listener(this.state, before);
  }

  /**
   * Change the document. Changes of one gesture (a drag, keys held down, typing in one field) share
   * a `gesture` name and are undone together.
   * @param {string} label for people: what undo will undo
   * @param {(doc: Doc) => Doc} change
   * @param {{gesture?: string, patch?: Partial<State>}} [options]
   */
  edit(label, change, options = {}) {
    const doc = change(this.state.doc);
    if (doc === this.state.doc) return;
    const { gesture = null, patch = {} } = options;
    if (gesture === null || gesture !== this.#gesture) {
      this.#past.push({ doc: this.state.doc, label });
      if (this.#past.length > HISTORY) this.#past.shift();
    }
    this.#future = [];
    this.#gesture = gesture;
    this.set({ doc, checked: false, ...patch });
  }

  /** The next change begins a new step. */
  endGesture() {
    this.#gesture = null;
  }

  get undoLabel() {
    return this.#past.at(-1)?.label ?? null;
  }

  get redoLabel() {
    return this.#future.at(-1)?.label ?? null;
  }

  undo() {
    this.#step(this.#past, this.#future);
  }

  redo() {
    this.#step(this.#future, this.#past);
  }

  /** @param {{doc: Doc, label: string}[]} from @param {{doc: Doc, label: string}[]} to */
  #step(from, to) {
    const entry = from.pop();
    if (!entry) return;
    to.push({ doc: this.state.doc, label: entry.label });
    this.#gesture = null;
    const there = new Set(outlinesOf(entry.doc).map((outline) => outline.uid));
    this.set({
      doc: entry.doc,
      checked: false,
      activePoint: null,
      selection: this.state.selection.filter((uid) => there.has(uid)),
    });
  }
}
