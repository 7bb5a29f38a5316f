/** Mouse, pen and fingers: pans and zooms by itself, gives all else to the tool in use. */

import { distance } from '../geometry/polygon.js';

/** @typedef {import('../types.js').Point} Point */
/**
 * @typedef {object} Hit
 * @property {string} kind  bay, region, point, mid, edge, row-corner, divider, row, proposal, draft-point
 * @property {string} uid
 * @property {number} index
 *
 * @typedef {object} Press
 * @property {Point} at       in the picture
 * @property {Point} screen
 * @property {Hit|null} hit   what lay under the pointer when it was pressed
 * @property {boolean} additive
 * @property {boolean} free   Alt: no snapping, no linked corners
 * @property {boolean} touch
 *
 * @typedef {object} Tool
 * @property {(press: Press) => void} hover
 * @property {(press: Press) => boolean} down   false: nothing to grab here, so the view may move
 * @property {(press: Press, start: Press) => void} drag
 * @property {(press: Press, start: Press) => void} up
 * @property {(press: Press, start: Press) => void} tap
 * @property {(press: Press) => void} double
 * @property {() => void} cancel
 */

const TAP_PX = { mouse: 4, touch: 10 };
const DOUBLE_MS = 350;

export class PointerInput {
  /** @type {Map<number, Point>} */ #down = new Map();
  /** @type {Press|null} */ #start = null;
  /** @type {'idle'|'press'|'drag'|'pan'|'pinch'} */ #mode = 'idle';
  /** @type {{at: number, screen: Point}|null} */ #lastTap = null;
  spaceHeld = false;

  /**
   * @param {import('./stage.js').Stage} stage
   * @param {import('../model/store.js').Store} store
   * @param {() => Tool} tool the tool in use
   */
  constructor(stage, store, tool) {
    this.stage = stage;
    this.store = store;
    this.tool = tool;
    const { svg } = stage;
    svg.addEventListener('pointerdown', (e) => this.#onDown(e));
    svg.addEventListener('pointermove', (e) => this.#onMove(e));
    svg.addEventListener('pointerup', (e) => this.#onUp(e));
    svg.addEventListener('pointercancel', (e) => this.#onCancel(e));
    svg.addEventListener('pointerleave', () => {
      if (this.#mode === 'idle') store.set({ cursor: null, snapped: null });
    });
    svg.addEventListener('wheel', (e) => this.#onWheel(e), { passive: false });
    svg.addEventListener('contextmenu', (e) => e.preventDefault());
  }

  /** @param {MouseEvent} e @returns {Point} */
  #screen(e) {
    const box = this.stage.svg.getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
  }

  /** @param {PointerEvent} e @returns {Press} */
  #press(e) {
    const screen = this.#screen(e);
    const target = e.target instanceof Element ? e.target.closest('[data-hit]') : null;
    const data = target instanceof SVGElement ? target.dataset : null;
    return {
      at: this.stage.view.toPicture(screen),
      screen,
      hit: data ? { kind: data.hit ?? '', uid: data.uid ?? '', index: Number(data.index ?? -1) } : null,
      additive: e.shiftKey || e.ctrlKey || e.metaKey || this.store.state.multi,
      free: e.altKey,
      touch: e.pointerType === 'touch',
    };
  }

  /** @param {PointerEvent} e */
  #onDown(e) {
    const { svg } = this.stage;
    svg.focus({ preventScroll: true });
    const press = this.#press(e);
    this.#down.set(e.pointerId, press.screen);
    svg.setPointerCapture(e.pointerId);
    if (this.#down.size === 2) {
      if (this.#mode === 'drag') this.tool().cancel();
      this.#mode = 'pinch';
      return;
    }
    if (this.#down.size > 2) return;
    this.#start = press;
    const wantsPan = e.button === 1 || this.spaceHeld || this.store.state.tool === 'hand';
    if (wantsPan || (e.button === 0 && !this.tool().down(press))) this.#mode = 'pan';
    else this.#mode = e.button === 0 ? 'press' : 'idle';
    svg.classList.toggle('panning', this.#mode === 'pan' && wantsPan);
  }

  /** @param {PointerEvent} e */
  #onMove(e) {
    const press = this.#press(e);
    const before = this.#down.get(e.pointerId);
    if (!before) {
      if (!press.touch) this.tool().hover(press);
      return;
    }
    if (this.#mode === 'pinch') this.#pinch(e.pointerId, press.screen);
    else if (this.#mode === 'pan') {
      this.stage.view.pan(press.screen[0] - before[0], press.screen[1] - before[1]);
    } else if (this.#start && this.#mode !== 'idle') {
      const reach = press.touch ? TAP_PX.touch : TAP_PX.mouse;
      if (this.#mode === 'press' && distance(press.screen, this.#start.screen) > reach) {
        this.#mode = 'drag';
      }
      if (this.#mode === 'drag') this.tool().drag(press, this.#start);
    }
    this.#down.set(e.pointerId, press.screen);
  }

  /** Two fingers: the places under them stay under them. @param {number} id @param {Point} now */
  #pinch(id, now) {
    const others = [...this.#down].filter(([other]) => other !== id);
    const before = this.#down.get(id);
    if (others.length !== 1 || !before) return;
    const fixed = others[0][1];
    const was = Math.max(distance(before, fixed), 1);
    const is = Math.max(distance(now, fixed), 1);
    this.stage.view.zoom([(before[0] + fixed[0]) / 2, (before[1] + fixed[1]) / 2], is / was);
    this.stage.view.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  /** @param {PointerEvent} e */
  #onUp(e) {
    const press = this.#press(e);
    this.#down.delete(e.pointerId);
    this.stage.svg.classList.remove('panning');
    const [mode, start] = [this.#mode, this.#start];
    if (this.#down.size > 0) return; // the last finger of a pinch draws nothing
    this.#mode = 'idle';
    this.#start = null;
    if (!start) return;
    if (mode === 'drag') this.tool().up(press, start);
    else if (mode === 'press' || (mode === 'pan' && this.#still(press, start))) {
      this.#tapped(press, start);
    }
    this.store.endGesture();
  }

  /** @param {Press} press @param {Press} start */
  #still(press, start) {
    const free = this.store.state.tool !== 'hand' && !this.spaceHeld;
    return free && distance(press.screen, start.screen) <= (press.touch ? TAP_PX.touch : TAP_PX.mouse);
  }

  /** @param {Press} press @param {Press} start */
  #tapped(press, start) {
    const now = performance.now();
    const last = this.#lastTap;
    const twice = last && now - last.at < DOUBLE_MS && distance(last.screen, press.screen) < 12;
    this.#lastTap = twice ? null : { at: now, screen: press.screen };
    if (twice) this.tool().double({ ...press, hit: start.hit });
    else this.tool().tap(press, start);
  }

  /** @param {PointerEvent} e */
  #onCancel(e) {
    this.#down.delete(e.pointerId);
    if (this.#mode === 'drag') this.tool().cancel();
    this.#mode = 'idle';
    this.#start = null;
    this.store.endGesture();
  }

  /** @param {WheelEvent} e */
  #onWheel(e) {
    e.preventDefault();
    const unit = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (e.shiftKey) this.stage.view.pan(-(e.deltaX || e.deltaY) * unit, 0);
    else {
      // A wheel's notch is about 100, a pinch on a touch pad a few with Ctrl set.
      const strength = e.ctrlKey ? 0.01 : 0.0018;
      this.stage.view.zoom(this.#screen(e), Math.exp(-e.deltaY * unit * strength));
    }
  }
}
