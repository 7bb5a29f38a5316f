/** Lay out a row: four corners (or a dragged rectangle), then corners and dividers by hand. */

import { bounds, centroid, distance } from '../geometry/polygon.js';
import { moveDivider, orientQuad, shiftOnGround } from '../geometry/rows.js';
import { snap } from '../geometry/snap.js';
import { place, rectangle } from './draw.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../stage/pointer.js').Press} Press */

/** @param {import('../app.js').App} app @returns {import('../stage/pointer.js').Tool} */
export function rowTool(app) {
  const { store } = app;
  /** @type {{row: Row, hit: import('../stage/pointer.js').Hit}|null} */
  let grip = null;
  let boxing = false;

  const complete = () => store.state.row !== null && store.state.row.corners.length === 4;

  /** @param {Point} at @param {boolean} free */
  function followCopy(at, free) {
    const { copy, row } = store.state;
    if (!copy || !row) return;
    const shifted = carried(copy, at, free, app);
    if (shifted) store.set({ row: { ...row, corners: shifted }, cursor: null });
  }

  /** @param {Press} press */
  function hover(press) {
    if (store.state.copy) return followCopy(press.at, press.free);
    if (complete()) return store.set({ cursor: null, snapped: null });
    const { point, snapped } = place(app, press.at, press.free);
    store.set({ cursor: point, snapped });
  }

  /** @param {Press} press */
  function down(press) {
    const { row, copy } = store.state;
    boxing = false;
    grip = null;
    if (copy) return true;
    if (row && complete() && press.hit && ['row-corner', 'divider', 'row'].includes(press.hit.kind)) {
      grip = { row, hit: press.hit };
      return true;
    }
    return !complete();
  }

  /** @param {Press} press @param {Press} start */
  function drag(press, start) {
    if (store.state.copy) return followCopy(press.at, press.free);
    if (grip) return store.set({ row: dragged(grip.row, grip.hit, press, start) });
    const { row } = store.state;
    if (!row || row.corners.length % 4 > 0) return hover(press);
    boxing = true;
    const a = place(app, start.at, start.free).point;
    const b = place(app, press.at, press.free);
    store.set({
      row: { ...row, dividers: null, corners: orientQuad(rectangle(a, b.point), row.count, row.lines) },
      cursor: null,
    });
  }

  /** @param {Row} row @param {import('../stage/pointer.js').Hit} hit @param {Press} press
   * @param {Press} start @returns {Row} */
  function dragged(row, hit, press, start) {
    if (hit.kind === 'divider') return moveDivider(row, hit.index, press.at);
    if (hit.kind === 'row') {
      const delta = [press.at[0] - start.at[0], press.at[1] - start.at[1]];
      return { ...row, corners: row.corners.map((p) => [p[0] + delta[0], p[1] + delta[1]]) };
    }
    const { point } = place(app, press.at, press.free);
    return { ...row, corners: row.corners.map((p, i) => (i === hit.index ? point : p)) };
  }

  /** @param {Press} press */
  function tap(press) {
    if (store.state.copy) {
      followCopy(press.at, press.free);
      return app.actions.placeCopy();
    }
    if (complete()) return;
    app.actions.addRowCorner(place(app, press.at, press.free).point);
  }

  return {
    hover,
    down,
    drag,
    up: (press) => {
      if (boxing) app.actions.rowReady();
      else if (store.state.copy) app.actions.placeCopy();
      else if (!grip) tap(press);
      grip = null;
      boxing = false;
    },
    tap,
    double: (press) => {
      // A second click near the first is a corner of a small row, never the end of one.
      if (!complete() || store.state.copy) tap(press);
    },
    cancel: () => {
      grip = null;
      boxing = false;
    },
  };
}

/** A copied row's corners under the pointer, snapped to bays that are there.
 * @param {{quad: Point[], from: Point}} copy @param {Point} at @param {boolean} free
 * @param {import('../app.js').App} app @returns {Point[]|null} */
export function carried({ quad, from }, at, free, app) {
  const shifted = shiftOnGround(quad, from, at);
  if (!shifted || !inSight(shifted, app.imageWh)) return null;
  if (free) return shifted;
  const outlines = app.store.state.doc.bays.map((bay) => bay.points);
  const reach = 8 / app.stage.view.k;
  for (const corner of shifted) {
    const found = snap(corner, outlines, reach);
    if (found?.kind !== 'corner' || distance(found.point, corner) < 0.01) continue;
    const to = /** @type {Point} */ ([
      at[0] + found.point[0] - corner[0],
      at[1] + found.point[1] - corner[1],
    ]);
    return shiftOnGround(quad, from, to) ?? shifted;
  }
  return shifted;
}

/** Near the horizon a quad shrinks to nothing or bursts; both are no place for a row.
 * @param {Point[]} quad @param {[number, number]} wh */
function inSight(quad, [w, h]) {
  const [left, top, right, bottom] = bounds(quad);
  const [x, y] = centroid(quad);
  const middle = x > -w * 0.1 && x < w * 1.1 && y > -h * 0.1 && y < h * 1.1;
  return middle && right - left < 3 * w && bottom - top < 3 * h && right - left > 6 && bottom - top > 3;
}
