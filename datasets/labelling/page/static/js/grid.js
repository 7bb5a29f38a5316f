/** Many bays with the same suggestion: only the wrong ones are touched. */

import { announce } from '../../editor/js/ui/notices.js';
import { h } from '../../shared/dom.js';
import { cropPicture, SMALL } from './pictures.js';
import { NAMES, other, stateName } from './words.js';

/** @typedef {import('./types.js').State} State */

/** Places on the keyboard, row by row as the tiles stand; Y and Z, which countries exchange, are
 * left out. */
const ROWS = [
  ['Digit1', 'Digit2', 'Digit3', 'Digit4', 'Digit5'],
  ['KeyQ', 'KeyW', 'KeyE', 'KeyR', 'KeyT'],
  ['KeyA', 'KeyS', 'KeyD', 'KeyF', 'KeyG'],
  ['KeyX', 'KeyC', 'KeyV', 'KeyB', 'KeyN'],
];
const LEAST_TILE_PX = { fine: 150, coarse: 108 };
/** A second Enter sooner than this was meant for the screen before. */
const SETTLED_MS = 250;

/** @type {Map<string, string>|null} */
let layout = null;
/** What is printed on the keys here, where the browser tells. */
export async function readLayout() {
  const keyboard = /** @type {any} */ (navigator).keyboard;
  layout = (await keyboard?.getLayoutMap?.().catch(() => null)) ?? null;
}

/** @param {string} code */
const capOf = (code) => (layout?.get(code) ?? code.replace(/^(Key|Digit)/, '')).toUpperCase();

/** Columns and rows that fit. @param {HTMLElement} room */
export function gridShape(room) {
  const tile = matchMedia('(pointer: coarse)').matches ? LEAST_TILE_PX.coarse : LEAST_TILE_PX.fine;
  const { clientWidth, clientHeight } = room;
  const columns = Math.min(ROWS[0].length, Math.max(2, Math.floor((clientWidth - 32) / tile)));
  const rows = Math.min(ROWS.length, Math.max(2, Math.floor((clientHeight - 130) / tile)));
  return { columns, rows };
}

/**
 * @param {readonly import('./types.js').Question[]} questions
 * @param {{columns: number, rows: number}} shape
 * @param {(states: State[]) => void} answer
 * @returns {import('./types.js').Screen}
 */
export function gridScreen(questions, shape, answer) {
  const { suggestion } = questions[0];
  /** @type {State[]} */
  const states = questions.map((q) => q.was ?? suggestion);
  const shownAt = performance.now();
  const codes = ROWS.flatMap((row) => row.slice(0, shape.columns));
  const tiles = questions.map((q, i) =>
    h(
      'button',
      { type: 'button', class: 'tile', tabindex: i === 0 ? 0 : -1, onclick: () => turn(i) },
      cropPicture(q, SMALL),
      h('kbd', { class: 'cap' }, capOf(codes[i])),
      h('span', { class: 'unseen' }, ` Bay ${q.bay}: `),
      h('span', { class: 'now' }),
    ),
  );
  const confirm = h('button', { type: 'button', class: 'primary confirm', onclick: () => answer(states) });
  const rows = Array.from({ length: Math.ceil(tiles.length / shape.columns) }, (_, r) =>
    tiles.slice(r * shape.columns, (r + 1) * shape.columns),
  );
  const board = h('div', { class: 'board', role: 'group', 'aria-label': 'Bays' }, ...rows.flat());
  board.style.setProperty('--columns', String(shape.columns));
  board.style.setProperty('--rows', String(shape.rows));
  const element = h(
    'div',
    { class: 'grid' },
    h(
      'div',
      { class: 'asking' },
      h('h2', {}, 'Are all of these ', stateName(suggestion), '?'),
      h(
        'p',
        { class: 'muted' },
        'Tap the wrong ones',
        h('span', { class: 'for-keys' }, ' or press their keys'),
        ': once ',
        stateName(other(suggestion)),
        ', twice ',
        stateName('unknown'),
        '.',
      ),
    ),
    h('div', { class: 'room' }, board),
    h('div', { class: 'below' }, confirm),
  );
  for (const i of questions.keys()) draw(i);
  count();
  return {
    element,
    questions,
    key,
    shown: () => announce(`${questions.length} bays, all suggested ${NAMES[suggestion]}.`),
  };

  /** @param {number} i */
  function turn(i) {
    /** @type {State[]} */
    const order = [suggestion, other(suggestion), 'unknown'];
    states[i] = order[(order.indexOf(states[i]) + 1) % order.length];
    draw(i);
    count();
    announce(`Bay ${questions[i].bay}: ${NAMES[states[i]]}.`);
  }

  /** @param {number} i */
  function draw(i) {
    const tile = tiles[i];
    tile.className = `tile ${states[i]}${states[i] === suggestion ? '' : ' turned'}`;
    const now = /** @type {HTMLElement} */ (tile.querySelector('.now'));
    now.className = states[i] === suggestion ? 'now unseen' : 'now';
    now.replaceChildren(stateName(states[i]));
  }

  function count() {
    const turned = states.filter((state) => state !== suggestion).length;
    const text =
      turned === 0
        ? `All ${states.length} are ${NAMES[suggestion]}`
        : `Confirm ${states.length}, ${turned} marked`;
    confirm.replaceChildren(h('span', {}, text), h('kbd', {}, 'Enter'));
  }

  /** @param {KeyboardEvent} e */
  function key(e) {
    if (e.key === 'Enter') {
      if (performance.now() - shownAt > SETTLED_MS) answer(states);
      return true;
    }
    const at = codes.indexOf(e.code);
    if (at >= 0 && at < tiles.length) {
      turn(at);
      return true;
    }
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -shape.columns, ArrowDown: shape.columns }[e.key];
    if (step === undefined) return false;
    const from = Math.max(
      0,
      tiles.findIndex((tile) => tile.tabIndex === 0),
    );
    const to = Math.min(tiles.length - 1, Math.max(0, from + step));
    tiles[from].tabIndex = -1;
    tiles[to].tabIndex = 0;
    tiles[to].focus();
    return true;
  }
}
