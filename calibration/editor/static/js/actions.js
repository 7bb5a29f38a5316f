/** What a person can do to the document; the tools, keys and panels all call these. */

import { bounds, centroid, distance, isConvex, shiftWithin } from './geometry/polygon.js';
import { orientQuad, rowFromPolygons, shiftOnGround, turnQuad } from './geometry/rows.js';
import {
  addBays,
  addRegion,
  changeBays,
  changeOutlines,
  changeRegions,
  idsOf,
  isBay,
  isRegion,
  LEAST_POINTS,
  MOST_POINTS,
  makeBay,
  makeRegion,
  movePoints,
  outlineOf,
  outlinesOf,
  removeOutlines,
  removePoint,
  shifted,
} from './model/document.js';
import { isIdentifier, nextFree, nextRow, numbered } from './model/naming.js';
import { called, freeName, isRegionTool, titleOf, WORDS } from './model/regions.js';
import { newRow, rowBays, rowIds } from './model/row.js';
import { carried } from './tools/row.js';
import { announce, toast } from './ui/notices.js';

/** @typedef {import('./types.js').Point} Point */
/** @typedef {import('./types.js').Bay} Bay */
/** @typedef {import('./types.js').Row} Row */
/** @typedef {import('./model/store.js').State} State */

/** @type {Record<State['tool'], string>} */
const TOOLS = {
  select: 'Select',
  polygon: 'Draw a bay',
  row: 'Lay out a row',
  mask: 'Draw a privacy mask',
  area: 'Draw a watched area',
  hand: 'Move the view',
};

export class Actions {
  /** The last row's settings serve the next one. @type {Partial<Row>} */ #lastRow = {};
  /** Corners after which a bay closes by itself; 0: never. */
  autoClose = 4;

  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.store = app.store;
  }

  /** @returns {State} */
  get state() {
    return this.store.state;
  }

  /** Ids that a new bay cannot have. */
  get taken() {
    return new Set([...idsOf(this.state.doc), ...this.state.retired]);
  }

  /** @param {State['tool']} tool */
  setTool(tool) {
    if (tool === this.state.tool && tool !== 'row') return;
    const row = tool === 'row' ? (this.state.row ?? this.#freshRow()) : null;
    const own = tool === 'row' ? 'row' : isRegionTool(tool) ? 'regions' : null;
    const panel = own ?? (this.state.panel === 'row' ? 'bays' : this.state.panel);
    this.store.set({ tool, row, copy: null, polygon: [], cursor: null, snapped: null, hint: null, panel });
    if (own === 'regions') this.store.set({ regionsShown: true });
    announce(TOOLS[tool]);
  }

  /** Step back: from the shape in hand, then from the tool, then from the selection. */
  escape() {
    const { polygon, row, copy, activePoint, tool, compare, align } = this.state;
    if (polygon.length > 0) this.store.set({ polygon: [], hint: null });
    else if (copy) this.setTool('select');
    else if (row && row.corners.length > 0) this.store.set({ row: { ...row, corners: [], dividers: null } });
    else if (tool !== 'select') this.setTool('select');
    else if (align) this.store.set({ align: null });
    else if (compare) this.store.set({ compare: null });
    else if (activePoint !== null) this.store.set({ activePoint: null });
    else this.select([]);
  }

  /** Bays, or masks and areas: what is said and done of one kind makes no sense for the other, so the
   * last of them decides. @param {string[]} wanted */
  select(wanted) {
    const { doc, panel } = this.state;
    const last = outlineOf(doc, wanted.at(-1) ?? '');
    const same = new Set((last && isRegion(last) ? doc.regions : doc.bays).map(({ uid }) => uid));
    const uids = wanted.filter((uid) => same.has(uid));
    const own = last && !isBay(last) ? 'regions' : 'bays';
    const moves = last && (['row', 'lot', 'regions'].includes(panel) || own === 'regions');
    this.store.set({ selection: uids, activePoint: null, panel: moves ? own : panel });
    if (!last) return;
    if (uids.length > 1) announce(`${called(doc, uids)} selected`);
    else
      announce(
        `${titleOf(last)}, ${isBay(last) ? last.kind : WORDS[last.kind]}, ${last.points.length} corners`,
      );
  }

  selectAll() {
    this.select(this.state.doc.bays.map((bay) => bay.uid));
  }

  /** @param {1|-1} step @param {boolean} extend */
  selectNext(step, extend) {
    const { doc, selection, panel } = this.state;
    /** @type {readonly import('./types.js').Outline[]} */
    const list = panel === 'regions' && doc.regions.length > 0 ? doc.regions : doc.bays;
    if (list.length === 0) return;
    const at = list.findIndex(({ uid }) => uid === selection.at(-1));
    const next = list[(at + step + list.length + (at < 0 && step < 0 ? 1 : 0)) % list.length];
    this.select(extend ? [...selection.filter((uid) => uid !== next.uid), next.uid] : [next.uid]);
  }

  /** @param {1|-1} step */
  nextPoint(step) {
    const outline = outlineOf(this.state.doc, this.state.selection[0] ?? '');
    if (!outline || this.state.selection.length !== 1) return;
    const now = this.state.activePoint ?? (step > 0 ? -1 : 0);
    const activePoint = (now + step + outline.points.length) % outline.points.length;
    this.store.set({ activePoint });
    announce(`Corner ${activePoint + 1} of ${outline.points.length}`);
  }

  /** Arrow keys: move the active corner, the selected bays, the crosshair or the copied row.
   * @param {Point} direction @param {number} step_px of the picture */
  nudge(direction, step_px) {
    const { tool, selection, activePoint, row, copy } = this.state;
    /** @type {Point} */
    const delta = [direction[0] * step_px, direction[1] * step_px];
    if (copy && row) this.#nudgeCopy(copy, row, delta);
    else if (this.placing) this.#nudgeCursor(delta);
    else if (tool === 'row' && row) {
      const corners = row.corners.map((p) => /** @type {Point} */ ([p[0] + delta[0], p[1] + delta[1]]));
      this.store.set({ row: { ...row, corners } });
    } else if (selection.length === 1 && activePoint !== null) {
      const corner = outlineOf(this.state.doc, selection[0])?.points[activePoint];
      if (!corner) return;
      const by = this.#within([corner], delta);
      this.store.edit('Move corner', (doc) => movePoints(doc, selection[0], [activePoint], by, true), {
        gesture: `nudge${selection[0]}/${activePoint}`,
      });
    } else if (selection.length > 0) {
      const chosen = new Set(selection);
      const points = outlinesOf(this.state.doc)
        .filter(({ uid }) => chosen.has(uid))
        .flatMap((outline) => outline.points);
      const by = this.#within(points, delta);
      this.store.edit(
        `Move ${called(this.state.doc, selection)}`,
        (doc) => changeOutlines(doc, chosen, (outline) => shifted(outline, by)),
        {
          gesture: `nudge${selection.join()}`,
        },
      );
    } else this.app.stage.view.pan(-direction[0] * 60, -direction[1] * 60);
  }

  /** Masks and areas stay in the picture; a bay may be drawn out of it, and is then a problem.
   * @param {readonly Point[]} points @param {Point} delta @returns {Point} */
  #within(points, delta) {
    const chosen = new Set(this.state.selection);
    const regions = this.state.doc.regions.some(({ uid }) => chosen.has(uid));
    return regions ? shiftWithin(points, delta, this.app.imageWh) : delta;
  }

  /** Whether the next click or Enter places a corner. */
  get placing() {
    const { tool, row } = this.state;
    return (
      tool === 'polygon' || isRegionTool(tool) || (tool === 'row' && row !== null && row.corners.length < 4)
    );
  }

  /** For the keyboard: the next point's place, in the middle of the view until it is moved. */
  showCursor() {
    if (this.placing) this.#nudgeCursor([0, 0]);
  }

  /** @param {Point} delta */
  #nudgeCursor(delta) {
    const [w, h] = this.app.imageWh;
    const [width, height] = this.app.stage.size;
    const at = this.state.cursor ?? this.app.stage.view.toPicture([width / 2, height / 2]);
    const x = Math.min(w, Math.max(0, Math.round(at[0] + delta[0])));
    const y = Math.min(h, Math.max(0, Math.round(at[1] + delta[1])));
    this.store.set({ cursor: [x, y], cursorByKeys: true, snapped: null });
    announce(`${x}, ${y}`);
  }

  /** @param {{quad: Point[], from: Point}} copy @param {Row} row @param {Point} delta */
  #nudgeCopy(copy, row, delta) {
    const now = centroid(row.corners);
    const corners = carried(copy, [now[0] + delta[0], now[1] + delta[1]], true, this.app);
    if (corners) this.store.set({ row: { ...row, corners } });
  }

  /** Enter: the point under the crosshair, the finished outline, the row that lies ready. */
  confirm() {
    const { tool, cursor, cursorByKeys, polygon, row, copy, proposal } = this.state;
    if (copy) this.placeCopy();
    else if (tool === 'row' && row?.corners.length === 4) this.createRow();
    else if (tool === 'row' && cursor) this.addRowCorner(cursor);
    else if (tool === 'polygon' || isRegionTool(tool)) {
      const last = polygon.at(-1);
      const moved = cursor && !(last && last[0] === cursor[0] && last[1] === cursor[1]);
      // Who clicks the corners leaves the pointer somewhere; Enter then closes what was clicked.
      const closes = isRegionTool(tool) && !cursorByKeys && polygon.length >= LEAST_POINTS;
      if (cursor && moved && !closes) this.addPolygonPoint(cursor);
      else if (polygon.length > 0) this.finishPolygon();
    } else if (proposal) this.app.proposals.accept([proposal]);
  }

  /** Backspace and Delete: the last point, the active corner, the selected bays. */
  remove() {
    const { polygon, row, selection, activePoint, proposal, tool } = this.state;
    if (polygon.length > 0) this.store.set({ polygon: polygon.slice(0, -1) });
    else if (tool === 'row' && row && row.corners.length > 0) {
      this.store.set({ row: { ...row, corners: row.corners.slice(0, -1), dividers: null } });
    } else if (proposal && selection.length === 0) this.app.proposals.reject([proposal]);
    else if (selection.length === 1 && activePoint !== null) {
      this.store.edit('Remove corner', (doc) => removePoint(doc, selection[0], activePoint), {
        patch: { activePoint: null },
      });
    } else if (selection.length > 0) {
      const what = called(this.state.doc, selection);
      this.store.edit(`Delete ${what}`, (doc) => removeOutlines(doc, new Set(selection)), {
        patch: { selection: [], activePoint: null },
      });
      toast(`${what.charAt(0).toUpperCase()}${what.slice(1)} deleted`, {
        action: 'Undo',
        run: () => this.store.undo(),
      });
    }
  }

  /** @param {Point} point */
  addPolygonPoint(point) {
    const polygon = [...this.state.polygon, point];
    this.store.set({ polygon });
    announce(`Corner ${polygon.length} placed`);
    const closes = isRegionTool(this.state.tool) ? MOST_POINTS : this.autoClose || MOST_POINTS;
    if (polygon.length === closes) this.finishPolygon();
  }

  finishPolygon() {
    const { polygon, tool } = this.state;
    // A double click places its corner twice.
    const points = polygon.filter((p, i) => i === 0 || distance(p, polygon[i - 1]) > 0);
    if (points.length < LEAST_POINTS) {
      toast(
        `An outline takes ${LEAST_POINTS} corners or more; so far ${points.length === 1 ? 'there is 1' : `there are ${points.length}`}.`,
      );
    } else if (isRegionTool(tool)) this.#finishRegion(tool, points);
    else this.#finishBay(points);
  }

  /** @param {Point[]} points */
  #finishBay(points) {
    const last = this.state.doc.bays.at(-1);
    const id = last ? nextFree(last.id, this.taken) : nextFree('A00', this.taken);
    const bay = makeBay(
      id,
      points,
      last ? { kind: 'standard', zone: last.zone, level: last.level, angle: last.angle } : {},
    );
    this.store.edit(`Draw ${id}`, (d) => addBays(d, [bay]), {
      patch: { polygon: [], hint: null, snapped: null, selection: [bay.uid], panel: 'bays' },
    });
    announce(`Bay ${id} drawn`);
  }

  /** @param {import('./types.js').Region['kind']} kind @param {Point[]} points */
  #finishRegion(kind, points) {
    const region = makeRegion(kind, freeName(this.state.doc, kind), points);
    this.store.edit(`Draw ${WORDS[kind]}`, (doc) => addRegion(doc, region), {
      patch: { polygon: [], hint: null, snapped: null, selection: [region.uid], panel: 'regions' },
    });
    announce(`${titleOf(region)} drawn`);
  }

  /** @param {string} uid @param {string} name */
  renameRegion(uid, name) {
    this.store.edit('Change name', (doc) =>
      changeRegions(doc, new Set([uid]), (region) => ({ ...region, name })),
    );
  }

  /** @returns {Row} */
  #freshRow() {
    const last = this.state.doc.bays.at(-1);
    const start = last
      ? nextRow(
          last.id.replace(/\d+(?=\D*$)/, (d) => '1'.padStart(d.length, '0')),
          0,
          this.taken,
        )
      : 'A01';
    return newRow(this.#lastRow.pattern ?? start, { ...this.#lastRow, corners: [], dividers: null });
  }

  /** @param {Point} point */
  addRowCorner(point) {
    const row = this.state.row ?? this.#freshRow();
    const corners = [...row.corners, point];
    announce(`Corner ${corners.length} of 4`);
    if (corners.length < 4) return this.store.set({ row: { ...row, corners } });
    this.store.set({ row: { ...row, corners: orientQuad(corners, row.count, row.lines), dividers: null } });
    return this.rowReady();
  }

  /** The quad is there; what is left is the number of bays. */
  rowReady() {
    this.store.set({ cursor: null, snapped: null, panel: 'row' });
    document.dispatchEvent(new CustomEvent('row-ready'));
  }

  /** @param {Partial<Row>} patch */
  changeRow(patch) {
    const row = this.state.row;
    if (!row) return;
    const next = { ...row, ...patch };
    if ('count' in patch && patch.count !== row.count) next.dividers = null;
    if (next.corners.length === 0) next.turned = false;
    const reshaped = next.count !== row.count || next.lines !== row.lines;
    if (reshaped && !next.turned && next.corners.length === 4) {
      next.corners = orientQuad(next.corners, next.count, next.lines);
    }
    this.store.set({ row: next });
  }

  turnRow() {
    const row = this.state.row;
    if (row?.corners.length === 4)
      this.changeRow({ corners: turnQuad(row.corners), dividers: null, turned: true });
  }

  createRow() {
    const row = this.state.row;
    if (row?.corners.length !== 4) return undefined;
    if (!isConvex(row.corners))
      return toast('The four corners do not enclose a row: drag them, or start over.', { kind: 'error' });
    const wrong = rowIds(row).find((id) => !isIdentifier(id));
    if (wrong !== undefined)
      return toast(`"${wrong}" is not a valid id: use letters, digits, dot, hyphen, underscore.`, {
        kind: 'error',
      });
    const bays = rowBays(row);
    const pattern = nextRow(
      row.pattern,
      row.count * row.lines,
      new Set([...this.taken, ...bays.map((b) => b.id)]),
    );
    this.#lastRow = { ...row, pattern, corners: [], dividers: null, turned: false };
    this.store.edit(`Row of ${bays.length}`, (doc) => addBays(doc, bays), {
      patch: { selection: bays.map((bay) => bay.uid), row: this.#freshRow(), copy: null, cursor: null },
    });
    toast(`${bays.length} bays: ${bays[0].id} to ${bays[bays.length - 1].id}`);
    this.app.stage.svg.focus({ preventScroll: true });
    return undefined;
  }

  /** Take a copy of the selected bays in hand: as a row in perspective when they form one. */
  copyRow() {
    const { doc, selection } = this.state;
    const chosen = new Set(selection);
    const bays = doc.bays.filter((bay) => chosen.has(bay.uid));
    if (bays.length === 0) return;
    const shape = rowFromPolygons(bays.map((bay) => bay.points));
    if (!shape) return this.#copyAsDrawn(bays);
    const from = centroid(shape.corners);
    const pattern = nextRow(bays[0].id, bays.length, this.taken);
    const { kind, zone, level } = bays[0];
    const row = newRow(pattern, { ...shape, count: bays.length, turned: true, kind, zone, level });
    const away = this.#roomFor(shape.corners, from);
    this.store.set({
      tool: 'row',
      copy: { quad: shape.corners, from },
      row: { ...row, corners: away },
      selection: [],
      panel: 'row',
    });
    announce(`Placing a copy of ${bays.length} bays: move it, then press Enter`);
    return undefined;
  }

  /** A first place for the copy where it can be seen: one depth of the row farther on.
   * @param {Point[]} quad @param {Point} from */
  #roomFor(quad, from) {
    const [, , c, d] = quad;
    const to = /** @type {Point} */ ([c[0] + d[0] - from[0], c[1] + d[1] - from[1]]);
    return shiftOnGround(quad, from, to) ?? quad;
  }

  /** @param {Bay[]} bays */
  #copyAsDrawn(bays) {
    const [left, top, right, bottom] = bounds(bays.flatMap((bay) => bay.points));
    const ids = numbered(nextRow(bays[0].id, bays.length, this.taken), bays.length);
    /** @type {Point} */
    const delta = right - left > bottom - top ? [0, bottom - top] : [right - left, 0];
    const copies = bays.map((bay, i) => {
      const { points, ...rest } = shifted(bay, delta);
      return makeBay(ids[i], points, rest);
    });
    this.store.edit(`Copy ${bays.length} bays`, (doc) => addBays(doc, copies), {
      patch: { selection: copies.map((bay) => bay.uid) },
    });
  }

  placeCopy() {
    this.store.set({ copy: null });
    this.rowReady();
  }

  /** @param {Partial<Pick<Bay, 'kind'|'angle'|'zone'|'level'>>} patch */
  changeSelected(patch) {
    const uids = new Set(this.state.selection);
    if (!this.state.doc.bays.some((bay) => uids.has(bay.uid))) return;
    const [field] = Object.keys(patch);
    this.store.edit(`Change ${field}`, (doc) => changeBays(doc, uids, (bay) => ({ ...bay, ...patch })));
  }

  /** Give the selected bays ids from a pattern, in the order of the list. @param {string} first */
  renumber(first) {
    const uids = this.state.selection;
    const chosen = this.state.doc.bays.filter((bay) => uids.includes(bay.uid));
    const ids = new Map(numbered(first, chosen.length).map((id, i) => [chosen[i].uid, id]));
    this.store.edit(chosen.length > 1 ? 'Renumber' : 'Change id', (doc) =>
      changeBays(doc, new Set(uids), (bay) => ({ ...bay, id: ids.get(bay.uid) ?? bay.id })),
    );
  }

  zoomToSelection() {
    const { doc, selection } = this.state;
    const points = outlinesOf(doc)
      .filter(({ uid }) => selection.includes(uid))
      .flatMap((outline) => outline.points);
    if (points.length > 0) this.app.stage.zoomTo(bounds(points));
    else this.app.stage.fit();
  }
}
