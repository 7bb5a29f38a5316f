/** What part of the picture is seen: screen = picture * k + (x, y). */

/** @typedef {import('../types.js').Point} Point */

const LEAST_ZOOM = 0.1;
const LARGEST_ZOOM = 40;

export class View {
  k = 1;
  x = 0;
  y = 0;
  /** Whether the person has chosen the view; until then it keeps fitting the window. */
  chosen = false;
  /** @type {(() => void)[]} */ #listeners = [];

  /** @param {() => void} listener */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  #changed() {
    for (const listener of this.#listeners) listener();
  }

  /** @param {Point} p @returns {Point} */
  toPicture = ([x, y]) => [(x - this.x) / this.k, (y - this.y) / this.k];

  /** @param {Point} p @returns {Point} */
  toScreen = ([x, y]) => [x * this.k + this.x, y * this.k + this.y];

  /** @param {number} dx @param {number} dy pixels of the screen */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.chosen = true;
    this.#changed();
  }

  /** Zoom so that the place under `at` stays there. @param {Point} at screen @param {number} factor */
  zoom(at, factor) {
    const k = Math.min(LARGEST_ZOOM, Math.max(LEAST_ZOOM, this.k * factor));
    const place = this.toPicture(at);
    this.k = k;
    this.x = at[0] - place[0] * k;
    this.y = at[1] - place[1] * k;
    this.chosen = true;
    this.#changed();
  }

  /**
   * Show a part of the picture whole.
   * @param {readonly [number, number, number, number]} box left, top, right, bottom
   * @param {readonly [number, number]} screen width, height
   * @param {{margin?: number, closest?: number}} [options]
   */
  show([left, top, right, bottom], [width, height], { margin = 24, closest = 6 } = {}) {
    const w = Math.max(right - left, 1);
    const h = Math.max(bottom - top, 1);
    const room = [Math.max(width - 2 * margin, 50), Math.max(height - 2 * margin, 50)];
    this.k = Math.min(room[0] / w, room[1] / h, closest);
    this.x = width / 2 - ((left + right) / 2) * this.k;
    this.y = height / 2 - ((top + bottom) / 2) * this.k;
    this.#changed();
  }
}
