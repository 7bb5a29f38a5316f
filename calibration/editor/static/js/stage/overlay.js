/** Draws what lies over the bays: handles, the shape in hand, proposals, comparisons. */

import { s } from '../../../shared/dom.js';
import { centroid, distance, isConvex, labelPoint, mix } from '../geometry/polygon.js';
import { dividerHandles, rowPolygons } from '../geometry/rows.js';
import { diff } from '../model/diff.js';
import { isBay, isOpen, outlineOf, outlinesOf, shownProposals } from '../model/document.js';
import { isRegionTool, keyed, titleOf } from '../model/regions.js';
import { rowIds } from '../model/row.js';
import { setPoints } from '../ui/dom.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../types.js').Row} Row */
/** @typedef {import('../model/store.js').State} State */

/** @param {readonly Point[]} points @param {Record<string, any>} props */
function polygon(points, props) {
  const element = s('polygon', props);
  setPoints(element, points);
  return element;
}

/** A line does not close. @param {import('../types.js').Outline} outline @param {string} classes */
function shapeOf(outline, classes) {
  const element = s(isOpen(outline) ? 'polyline' : 'polygon', { class: classes });
  setPoints(element, outline.points);
  return element;
}

/** @param {Point} at @param {string} text @param {string} classes */
function label([x, y], text, classes) {
  const element = s('text', { x: x.toFixed(2), y: y.toFixed(2), class: classes, dy: '0.35em' });
  element.textContent = text;
  return element;
}

/** A handle with a finger-sized, unseen surface. @param {Point} at @param {string} hit
 * @param {number} index @param {string} [classes] */
function handle([x, y], hit, index, classes = '') {
  const at = { cx: x.toFixed(2), cy: y.toFixed(2) };
  return s(
    'g',
    { class: `handle ${hit} ${classes}`, dataset: { hit, index } },
    s('circle', { ...at, class: 'reach' }),
    s('circle', { ...at, class: 'dot' }),
  );
}

/** Below this length on the screen an edge has no middle handle: it would hide the corners. */
const LEAST_EDGE = 44;

/** @param {State} state @param {number} k zoom @returns {Element[]} */
export function selectionHandles(state, k) {
  const chosen = new Set(state.selection);
  // Neighbours are drawn later and cover a bay's edges; the outlines of the chosen lie above all.
  const outlines = outlinesOf(state.doc)
    .filter((outline) => chosen.has(outline.uid) && (state.regionsShown || isBay(outline)))
    .map((outline) => shapeOf(outline, 'chosen'));
  const own = outlineOf(state.doc, state.selection[0] ?? '');
  if (!own || outlines.length !== 1 || state.selection.length !== 1 || state.tool !== 'select')
    return outlines;
  const next = (/** @type {number} */ i) => own.points[(i + 1) % own.points.length];
  // A line has one edge less than corners.
  const firsts = isOpen(own) ? own.points.slice(0, -1) : own.points;
  const edges = firsts.map((p, i) =>
    s('line', {
      class: 'edge-hit',
      x1: p[0],
      y1: p[1],
      x2: next(i)[0],
      y2: next(i)[1],
      dataset: { hit: 'edge', index: i },
    }),
  );
  const middles = firsts
    .map((p, i) => ({ p, i }))
    .filter(({ p, i }) => distance(p, next(i)) * k >= LEAST_EDGE)
    .map(({ p, i }) => handle(mix(p, next(i), 0.5), 'mid', i));
  const points = own.points.map((p, i) => handle(p, 'point', i, state.activePoint === i ? 'active' : ''));
  return [...outlines, ...edges, ...middles, ...points];
}

/** @param {State} state @returns {Element[]} */
export function shapeInHand(state) {
  const elements = state.row ? rowShape(state, state.row) : polygonShape(state);
  if (state.cursor && state.tool !== 'select' && state.tool !== 'hand') {
    elements.push(crosshair(state.cursor, state.snapped));
  }
  return elements;
}

/** @param {Point} at @param {'corner'|'edge'|null} snapped */
function crosshair([x, y], snapped) {
  const group = s('g', {
    class: `crosshair ${snapped ? `snapped ${snapped}` : ''}`,
    transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`,
  });
  group.append(s('circle', { class: 'ring' }), s('circle', { class: 'pin' }));
  return group;
}

/** @param {State} state @returns {Element[]} */
function polygonShape(state) {
  const points = state.cursor ? [...state.polygon, state.cursor] : state.polygon;
  if (state.polygon.length === 0) return [];
  const kind = isRegionTool(state.tool) ? `region-ghost ${state.tool}` : '';
  const ghost = s(state.tool === 'line' ? 'polyline' : 'polygon', {
    class: `ghost ${kind} ${state.hint ? 'bad' : ''}`,
  });
  setPoints(ghost, points);
  /** @type {SVGElement[]} */
  const elements = [ghost];
  elements.push(...state.polygon.map((p, i) => handle(p, 'draft-point', i)));
  return elements;
}

/** @param {State} state @param {Row} row @returns {Element[]} */
function rowShape(state, row) {
  if (row.corners.length < 4) {
    const points = state.cursor ? [...row.corners, state.cursor] : row.corners;
    if (row.corners.length === 0) return [];
    return [polygon(points, { class: 'ghost' }), ...row.corners.map((p, i) => handle(p, 'draft-point', i))];
  }
  if (!isConvex(row.corners)) {
    return [
      polygon(row.corners, { class: 'ghost bad' }),
      ...row.corners.map((p, i) => handle(p, 'row-corner', i)),
    ];
  }
  const ids = rowIds(row);
  const outlines = rowPolygons(row);
  const taken = new Set([...state.doc.bays.map((bay) => bay.id), ...state.retired]);
  return [
    ...outlines.map((p, i) => polygon(p, { class: `ghost bay-ghost ${taken.has(ids[i]) ? 'bad' : ''}` })),
    ...outlines.map((p, i) => label(centroid(p), ids[i], 'label ghost-label')),
    polygon(row.corners, { class: 'frame', dataset: { hit: 'row' } }),
    ...(state.copy ? [] : dividerHandles(row).map((p, i) => handle(p, 'divider', i))),
    ...(state.copy ? [] : row.corners.map((p, i) => handle(p, 'row-corner', i))),
  ];
}

/** @param {State} state @returns {Element[]} */
export function proposalShapes(state) {
  return shownProposals(state).flatMap((p) => [
    polygon(p.points, {
      class: `proposal ${p.uid === state.proposal ? 'current' : ''}`,
      dataset: { hit: 'proposal', uid: p.uid },
    }),
    label(centroid(p.points), `${Math.round(p.confidence * 100)}%`, 'label proposal-label'),
  ]);
}

/** The other state under the present one. @param {State} state @returns {Element[]} */
export function comparison(state) {
  if (state.align) {
    return [
      ...outlinesOf(state.doc).map((outline) => shapeOf(outline, 'before')),
      ...state.align.polygons.map((p) => polygon(p, { class: 'after' })),
      ...state.align.regions.map((region) => shapeOf(region, 'after')),
    ];
  }
  if (!state.compare) return [];
  const changed = new Set(diff(state.compare.doc, state.doc).map((change) => change.key));
  const here = keyed(state.doc);
  return [...keyed(state.compare.doc)]
    .filter(([key]) => changed.has(key))
    .flatMap(([key, outline]) => [
      shapeOf(outline, `before ${here.has(key) ? '' : 'gone'}`),
      ...(here.has(key)
        ? []
        : [
            label(labelPoint(outline.points), `− ${isBay(outline) ? outline.id : titleOf(outline)}`, 'label'),
          ]),
    ]);
}
