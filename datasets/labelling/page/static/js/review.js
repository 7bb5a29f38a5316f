/** The course of a review: what is on the screen, what comes next, what was answered. */

import { toast, toastError } from '../../editor/js/ui/notices.js';
import { byId, h } from '../../shared/dom.js';
import { gridScreen, gridShape } from './grid.js';
import { cropUrl, frameUrl, LARGE, preload, SMALL } from './pictures.js';
import { singleScreen } from './single.js';

/** Questions fetched ahead when one is shown at a time: at two a second, four seconds. */
const AHEAD = 8;
/** Pictures decoded ahead. */
const DECODED = 3;
const RECENT = 20;
/** The server takes a list of this many. */
const MOST_KNOWN = 256;
const RETRY_MS = 2000;

/** @typedef {import('./types.js').Question} Question */
/** @typedef {import('./types.js').Mode} Mode */
/** @typedef {import('./types.js').State} State */

export class Review {
  /** @type {Mode} */
  mode = 'grid';
  /** @type {import('./types.js').Screen|null} */
  screen = null;
  /** @type {import('./types.js').Progress|null} */
  progress = null;
  /** @type {Question[]} */
  #ahead = [];
  /** Items of this session that are answered, while the server may not know it yet.
   * @type {Set<string>} */
  #answered = new Set();
  #shownAt = 0;
  /** Rises with each change of mode: what was asked before it is not shown after it. */
  #turn = 0;
  /** @type {Promise<void>|null} */
  #fetching = null;
  /** Questions of answers that may not be sent yet, so that undoing needs no server.
   * @type {Map<string, readonly Question[]>} */
  #recent = new Map();

  /**
   * @param {import('../../editor/js/api.js').Api} api
   * @param {import('./outbox.js').Outbox} outbox
   * @param {() => string} reviewer
   * @param {() => void} changed  called when there is something new to show round the screen
   */
  constructor(api, outbox, reviewer, changed) {
    this.api = api;
    this.outbox = outbox;
    this.reviewer = reviewer;
    this.changed = changed;
  }

  /** @param {Mode} mode @param {readonly Question[]} [first]  to be shown before all others */
  async start(mode, first = []) {
    this.mode = mode;
    this.#turn += 1;
    this.#ahead = [...first];
    this.#fetching = null;
    this.screen = null;
    this.#answered = new Set(this.outbox.items);
    this.changed();
    await this.refresh().catch(toastError);
    await this.#next(first.length > 0 ? first.length : this.#wanted());
  }

  async refresh() {
    this.progress = await this.api.json(`progress?reviewer=${encodeURIComponent(this.reviewer())}`);
    this.changed();
  }

  /** @param {State[]} states  of the screen's questions */
  answer(states) {
    const screen = this.screen;
    if (!screen) return;
    this.screen = null;
    const answers = screen.questions.map((q, i) => ({ item: q.item, state: states[i] }));
    for (const { item } of answers) this.#answered.add(item);
    const id = crypto.randomUUID();
    this.#recent.set(
      id,
      screen.questions.map((q, i) => ({ ...q, was: states[i] })),
    );
    if (this.#recent.size > RECENT)
      this.#recent.delete(/** @type {string} */ (this.#recent.keys().next().value));
    this.outbox.put({
      id,
      reviewer: this.reviewer(),
      mode: this.mode,
      answers,
      spent_s: Math.round(performance.now() - this.#shownAt) / 1000,
    });
    void this.#next(this.#wanted()).catch(toastError);
  }

  async undo() {
    const back = this.outbox.takeBack();
    if (!back) await this.outbox.flush();
    if (!back && this.outbox.waiting > 0)
      return toast('Server unreachable: saved answers cannot be undone now', { kind: 'error' });
    const undone = back
      ? null
      : await this.api.json('undo', 'POST', { id: crypto.randomUUID(), reviewer: this.reviewer() });
    if (undone && undone.mode === null) return toast('Nothing to undo');
    for (const { item } of back ? back.answers : undone.questions) this.#answered.delete(item);
    return back
      ? this.start(back.mode, this.#recent.get(back.id))
      : this.start(undone.mode, undone.questions);
  }

  #wanted() {
    if (this.mode !== 'grid') return 1;
    const { columns, rows } = gridShape(byId('main'));
    return columns * rows;
  }

  /** Show the next screen. @param {number} count  questions on it */
  async #next(count) {
    const turn = this.#turn;
    while (this.#ahead.length < count && !(await this.#reached())) if (turn !== this.#turn) return;
    if (turn !== this.#turn) return;
    const questions = this.#take(count);
    const side = this.mode === 'grid' ? SMALL : LARGE;
    await Promise.all(questions.map((q) => preload(cropUrl(q, side))));
    if (turn !== this.#turn) return;
    this.#show(questions);
    // Let the answer be drawn and sent first.
    setTimeout(() => void this.#prepare().catch(toastError), 0);
  }

  /** Fetch; when the server is away, say so and wait a little. */
  async #reached() {
    try {
      await this.#fetch();
      return true;
    } catch (error) {
      byId('main').replaceChildren(
        h(
          'div',
          { class: 'finished' },
          h('h2', {}, 'No new questions'),
          h('p', {}, messageOf(error)),
          h('p', { class: 'muted' }, 'Trying again …'),
        ),
      );
      await new Promise((done) => setTimeout(done, RETRY_MS));
      return false;
    }
  }

  /** Take questions from those fetched; of a grid all have one suggestion. @param {number} count */
  #take(count) {
    const first = this.#ahead[0];
    const fits = (/** @type {Question} */ q) => this.mode !== 'grid' || q.suggestion === first.suggestion;
    const taken = this.#ahead.filter(fits).slice(0, count);
    const gone = new Set(taken);
    this.#ahead = this.#ahead.filter((q) => !gone.has(q));
    return taken;
  }

  /** @param {readonly Question[]} questions */
  #show(questions) {
    const answer = (/** @type {State[]} */ states) => this.answer(states);
    if (questions.length === 0) this.screen = null;
    else if (this.mode === 'grid') this.screen = gridScreen(questions, gridShape(byId('main')), answer);
    else this.screen = singleScreen(questions[0], this.mode === 'settle', answer);
    byId('main').replaceChildren(this.screen?.element ?? finished(this.mode));
    byId('main').dataset.items = questions.map((q) => q.item).join(' ');
    this.#shownAt = performance.now();
    this.screen?.shown();
    if (!this.screen) void this.refresh().catch(toastError);
    this.changed();
  }

  /** Fetch and decode what comes after the screen that is shown. */
  async #prepare() {
    if (this.#ahead.length < (this.mode === 'grid' ? this.#wanted() : DECODED)) await this.#fetch();
    const side = this.mode === 'grid' ? SMALL : LARGE;
    const soon = this.#ahead.slice(0, this.mode === 'grid' ? this.#wanted() : DECODED);
    for (const q of soon) {
      await preload(cropUrl(q, side));
      if (this.mode !== 'grid') await preload(frameUrl(q));
    }
  }

  /** Ask for more; one request at a time. */
  async #fetch() {
    this.#fetching ??= this.#more().finally(() => (this.#fetching = null));
    await this.#fetching;
  }

  async #more() {
    const turn = this.#turn;
    const known = [...this.#ahead, ...(this.screen?.questions ?? [])].map((q) => q.item);
    const count = this.mode === 'grid' ? this.#wanted() : AHEAD;
    const { questions } = await this.api.json('next', 'POST', {
      reviewer: this.reviewer(),
      mode: this.mode,
      count,
      have: [...known, ...this.outbox.items].slice(0, MOST_KNOWN),
    });
    if (turn === this.#turn)
      this.#ahead.push(...questions.filter((/** @type {Question} */ q) => !this.#answered.has(q.item)));
  }
}

/** @param {Mode} mode */
const finished = (mode) =>
  h(
    'div',
    { class: 'finished' },
    h('h2', {}, mode === 'settle' ? 'No disputes left' : 'All questions answered'),
    h(
      'p',
      {},
      mode === 'settle'
        ? 'Continue with any remaining questions.'
        : 'To turn the answers into a revision of the data set, run:',
    ),
    mode === 'settle' ? null : h('code', {}, 'lotsight label export QUEUE --out DATASET'),
  );

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));
