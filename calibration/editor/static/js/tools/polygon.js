/** Draw a bay, a mask, an area or a line: click its corners, or drag a rectangle or a stroke. */

import { distance } from '../geometry/polygon.js';
import { problemOf, problemOfLine } from '../model/checks.js';
import { isRegionTool } from '../model/regions.js';
import { place, rectangle } from './draw.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../stage/pointer.js').Press} Press */

/** @param {import('../app.js').App} app @returns {import('../stage/pointer.js').Tool} */
export function polygonTool(app) {
  const { store, stage } = app;
  let dragging = false;

  /** @param {Press} press */
  function hover(press) {
    const { point, snapped } = place(app, press.at, press.free, store.state.polygon);
    const shape = [...store.state.polygon, point];
    store.set({ cursor: point, cursorByKeys: false, snapped, hint: hintFor(shape) });
  }

  /** @param {readonly Point[]} shape */
  const hintFor = (shape) => {
    // Bays lie apart; a mask or an area may lie over anything.
    const others = isRegionTool(store.state.tool) ? [] : store.state.doc.bays.map((b) => b.points);
    if (store.state.tool === 'line') return problemOfLine(shape, app.imageWh);
    return shape.length < 3 ? null : problemOf(shape, app.imageWh, others);
  };

  /** @param {Press} press */
  function tap(press) {
    const { polygon } = store.state;
    const { point } = place(app, press.at, press.free, polygon);
    const closes =
      store.state.tool !== 'line' && polygon.length >= 3 && distance(point, polygon[0]) < 8 / stage.view.k;
    if (closes) app.actions.finishPolygon();
    else app.actions.addPolygonPoint(point);
  }

  return {
    hover,
    down: () => true,
    drag: (press, start) => {
      if (!dragging && store.state.polygon.length > 0) return hover(press);
      const a = place(app, start.at, start.free).point;
      const b = place(app, press.at, press.free);
      const box = store.state.tool === 'line' ? [a, b.point] : rectangle(a, b.point);
      store.set({ polygon: box, cursor: null, snapped: b.snapped, hint: hintFor(box) });
      dragging = true;
    },
    up: (press) => {
      if (!dragging) return tap(press);
      dragging = false;
      app.actions.finishPolygon();
    },
    tap,
    double: (press) => {
      if (store.state.polygon.length >= 3 || isRegionTool(store.state.tool)) app.actions.finishPolygon();
      else tap(press);
    },
    cancel: () => {
      dragging = false;
      store.set({ polygon: [], hint: null });
    },
  };
}
