/** What a person can do to the document; the tools, keys and panels all call these. */

import { bounds, centroid, isConvex } from './geometry/polygon.js';
import { orientQuad, rowFromPolygons, shiftOnGround, turnQuad } from './geometry/rows.js';
import {
  addBays, bayOf, changeBays, idsOf, makeBay, movePoints, removeBays, removePoint, shiftBay, shownProposals,
} from './model/document.js';
import { isIdentifier, nextFree, nextRow, numbered } from './model/naming.js';
import { newRow, rowBays, rowIds } from './model/row.js';
import { carried } from './tools/row.js';
import { announce, toast } from './ui/notices.js';

/** @typedef {import('./types.js').Point} Point */
/** @typedef {import('./types.js').Bay} Bay */
/** @typedef {import('./types.js').Row} Row */
/** @typedef {import('./model/store.js').State} State */

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
    const panel = tool === 'row' ? 'row' : this.state.panel === 'row' ? 'bays' : this.state.panel;
    this.store.set({ tool, row, copy: null, polygon: [], cursor: null, snapped: null, hint: null, panel });
    announce(`${{ select: 'Select', polygon: 'Draw a bay', row: 'Lay out a row', hand: 'Move the view' }[tool]}`);
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

  /** @param {string[]} uids */
  select(uids) {
    const panel = uids.length > 0 && ['row', 'lot'].includes(this.state.panel) ? 'bays' : this.state.panel;
    this.store.set({ selection: uids, activePoint: null, panel });
    const bay = uids.length === 1 && bayOf(this.state.doc, uids[0]);
    if (bay) announce(`Bay ${bay.id}, ${bay.kind}, ${bay.points.length} corners`);
    else if (uids.length > 1) announce(`${uids.length} bays selected`);
  }

  selectAll() {
    this.select(this.state.doc.bays.map((bay) => bay.uid));
  }

  /** @param {1|-1} step @param {boolean} extend */
  selectNext(step, extend) {
    const { doc, selection } = this.state;
    if (doc.bays.length === 0) return;
    const at = doc.bays.findIndex((bay) => bay.uid === selection.at(-1));
    const next = doc.bays[(at + step + doc.bays.length + (at < 0 && step < 0 ? 1 : 0)) % doc.bays.length];
    this.select(extend ? [...selection.filter((uid) => uid !== next.uid), next.uid] : [next.uid]);
  }

  /** @param {1|-1} step */
  nextPoint(step) {
    const bay = bayOf(this.state.doc, this.state.selection[0] ?? '');
    if (!bay || this.state.selection.length !== 1) return;
    const now = this.state.activePoint ?? (step > 0 ? -1 : 0);
    const activePoint = (now + step + bay.points.length) % bay.points.length;
    this.store.set({ activePoint });
    announce(`Corner ${activePoint + 1} of ${bay.points.length}`);
  }

  /** Arrow keys: move the active corner, the selected bays, the crosshair or the copied row.
   * @param {Point} direction @param {number} step_px of the picture */
  nudge(direction, step_px) {
    const { tool, selection, activePoint, row, copy } = this.state;
    /** @type {Point} */
    const delta = [direction[0] * step_px, direction[1] * step_px];
    if (copy && row) this.#nudgeCopy(copy, row, delta);
    else if (tool === 'polygon' || (tool === 'row' && row && row.corners.length < 4)) {
      this.#nudgeCursor(delta);
    } else if (tool === 'row' && row) {
      const corners = row.corners.map((p) => /** @type {Point} */ ([p[0] + delta[0], p[1] + delta[1]]));
      this.store.set({ row: { ...row, corners } });
    } else if (selection.length === 1 && activePoint !== null) {
      this.store.edit('Move corner', (doc) => movePoints(doc, selection[0], [activePoint], delta, true), {
        gesture: `nudge${selection[0]}/${activePoint}`,
      });
    } else if (selection.length > 0) {
      this.store.edit('Move bays', (doc) => changeBays(doc, new Set(selection), (bay) => shiftBay(bay, delta)), {
        gesture: `nudge${selection.join()}`,
      });
    } else this.app.stage.view.pan(-direction[0] * 60, -direction[1] * 60);
  }

  /** For the keyboard: the next point's place, in the middle of the view until it is moved. */
  showCursor() {
    const { tool, row } = this.state;
    if (tool === 'polygon' || (tool === 'row' && row && row.corners.length < 4)) this.#nudgeCursor([0, 0]);
  }

  /** @param {Point} delta */
  #nudgeCursor(delta) {
    const [w, h] = this.app.imageWh;
    const [width, height] = this.app.stage.size;
    const at = this.state.cursor ?? this.app.stage.view.toPicture([width / 2, height / 2]);
    const x = Math.min(w, Math.max(0, Math.round(at[0] + delta[0])));
    const y = Math.min(h, Math.max(0, Math.round(at[1] + delta[1])));
    this.store.set({ cursor: [x, y], snapped: null });
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
    const { tool, cursor, polygon, row, copy, proposal } = this.state;
    if (copy) this.placeCopy();
    else if (tool === 'row' && row?.corners.length === 4) this.createRow();
    else if (tool === 'row' && cursor) this.addRowCorner(cursor);
    else if (tool === 'polygon') {
      const last = polygon.at(-1);
      const moved = cursor && !(last && last[0] === cursor[0] && last[1] === cursor[1]);
      if (cursor && moved) this.addPolygonPoint(cursor);
      else if (polygon.length >= 3) this.finishPolygon();
    } else if (proposal) this.acceptProposals([proposal]);
  }

  /** Backspace and Delete: the last point, the active corner, the selected bays. */
  remove() {
    const { polygon, row, selection, activePoint, proposal, tool } = this.state;
    if (polygon.length > 0) this.store.set({ polygon: polygon.slice(0, -1) });
    else if (tool === 'row' && row && row.corners.length > 0) {
      this.store.set({ row: { ...row, corners: row.corners.slice(0, -1), dividers: null } });
    } else if (proposal && selection.length === 0) this.rejectProposals([proposal]);
    else if (selection.length === 1 && activePoint !== null) {
      this.store.edit('Remove corner', (doc) => removePoint(doc, selection[0], activePoint), {
        patch: { activePoint: null },
      });
    } else if (selection.length > 0) {
      this.store.edit(selection.length > 1 ? `Delete ${selection.length} bays` : 'Delete bay', (doc) => removeBays(doc, new Set(selection)), {
        patch: { selection: [], activePoint: null },
      });
      toast(`${selection.length > 1 ? `${selection.length} bays` : 'Bay'} deleted`, {
        action: 'Undo', run: () => this.store.undo(),
      });
    }
  }

  /** @param {Point} point */
  addPolygonPoint(point) {
    const polygon = [...this.state.polygon, point];
    this.store.set({ polygon });
    announce(`Corner ${polygon.length} placed`);
    if (this.autoClose > 0 && polygon.length === this.autoClose) this.finishPolygon();
  }

  finishPolygon() {
    const { polygon, doc } = this.state;
    if (polygon.length < 3) return;
    const last = doc.bays.at(-1);
    const id = last ? nextFree(last.id, this.taken) : nextFree('A00', this.taken);
    const bay = makeBay(id, polygon, last ? { kind: 'standard', zone: last.zone, level: last.level, angle: last.angle } : {});
    this.store.edit(`Draw ${id}`, (d) => addBays(d, [bay]), {
      patch: { polygon: [], hint: null, snapped: null, selection: [bay.uid], panel: 'bays' },
    });
    announce(`Bay ${id} drawn`);
  }

  /** @returns {Row} */
  #freshRow() {
    const last = this.state.doc.bays.at(-1);
    const start = last ? nextRow(last.id.replace(/\d+(?=\D*$)/, (d) => '1'.padStart(d.length, '0')), 0, this.taken) : 'A01';
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
    if (row?.corners.length === 4) this.changeRow({ corners: turnQuad(row.corners), dividers: null, turned: true });
  }

  createRow() {
    const row = this.state.row;
    if (!row || row.corners.length !== 4) return undefined;
    if (!isConvex(row.corners)) return toast('The four corners do not go round a row: drag them, or start over.', { kind: 'error' });
    const wrong = rowIds(row).find((id) => !isIdentifier(id));
    if (wrong !== undefined) return toast(`"${wrong}" is no id: letters, digits, point, hyphen, underscore.`, { kind: 'error' });
    const bays = rowBays(row);
    const pattern = nextRow(row.pattern, row.count * row.lines, new Set([...this.taken, ...bays.map((b) => b.id)]));
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
      tool: 'row', copy: { quad: shape.corners, from }, row: { ...row, corners: away }, selection: [], panel: 'row',
    });
    announce(`Copy of ${bays.length} bays in hand: move it, then Enter`);
    return undefined;
  }

  /** A first place for the copy where it can be seen: one depth of the row farther on.
   * @param {Point[]} quad @param {Point} from */
  #roomFor(quad, from) {
    const [, , c, d] = quad;
    const to = /** @type {Point} */ ([(c[0] + d[0]) - from[0], (c[1] + d[1]) - from[1]]);
    return shiftOnGround(quad, from, to) ?? quad;
  }

  /** @param {Bay[]} bays */
  #copyAsDrawn(bays) {
    const [left, top, right, bottom] = bounds(bays.flatMap((bay) => bay.points));
    const ids = numbered(nextRow(bays[0].id, bays.length, this.taken), bays.length);
    /** @type {Point} */
    const delta = right - left > bottom - top ? [0, bottom - top] : [right - left, 0];
    const copies = bays.map((bay, i) => {
      const { points, ...rest } = shiftBay(bay, delta);
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
    if (uids.size === 0) return;
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

  /** @param {string} uid */
  showProposal(uid) {
    this.store.set({ proposal: uid, panel: 'proposals', selection: [] });
  }

  /** @param {1|-1} step */
  nextProposal(step) {
    const shown = shownProposals(this.state);
    const at = shown.findIndex((p) => p.uid === this.state.proposal);
    const next = shown[(at + step + shown.length) % shown.length];
    if (next) this.showProposal(next.uid);
  }

  /** @param {string[]} uids */
  acceptProposals(uids) {
    const chosen = this.state.doc.proposals.filter((p) => uids.includes(p.uid));
    if (chosen.length === 0) return;
    const taken = this.taken;
    const last = this.state.doc.bays.at(-1)?.id;
    let id = last ?? 'A00';
    const bays = chosen.map((p, i) => {
      const newGroup = i > 0 && p.group !== chosen[i - 1].group;
      id = newGroup ? nextRow(id.replace(/\d+(?=\D*$)/, (d) => '1'.padStart(d.length, '0')), 0, taken) : nextFree(id, taken);
      taken.add(id);
      return makeBay(id, p.points);
    });
    this.store.edit(`Accept ${bays.length === 1 ? bays[0].id : `${bays.length} proposals`}`, (doc) => ({
      ...addBays(doc, bays),
      proposals: doc.proposals.filter((p) => !uids.includes(p.uid)),
    }));
    this.#afterProposals(uids, bays.map((bay) => bay.uid));
  }

  /** @param {string[]} uids */
  rejectProposals(uids) {
    this.store.edit(uids.length === 1 ? 'Reject proposal' : `Reject ${uids.length} proposals`, (doc) => ({
      ...doc,
      proposals: doc.proposals.filter((p) => !uids.includes(p.uid)),
    }));
    this.#afterProposals(uids, []);
  }

  /** @param {string[]} gone @param {string[]} selection */
  #afterProposals(gone, selection) {
    const left = shownProposals(this.state);
    const stays = this.state.proposal !== null && !gone.includes(this.state.proposal);
    const proposal = stays ? this.state.proposal : (left[0]?.uid ?? null);
    this.store.set({ proposal, selection, activePoint: null });
    if (this.state.doc.proposals.length === 0) this.store.set({ panel: 'bays', proposal: null });
  }

  /** @param {import('./types.js').Finding} finding */
  showFinding(finding) {
    const bay = this.state.doc.bays.find((b) => b.id === finding.bay);
    if (bay) {
      this.setTool('select');
      this.store.set({ selection: [bay.uid], activePoint: null });
      this.app.stage.zoomTo(bounds(bay.points));
    } else if (finding.at) this.app.stage.zoomTo([...finding.at, ...finding.at]);
  }

  /** Step through the problems, worst first. */
  nextProblem() {
    const { findings } = this.state;
    if (findings.length === 0) return;
    this.#problem = (this.#problem + 1) % findings.length;
    this.store.set({ panel: 'problems' });
    this.showFinding(findings[this.#problem]);
    announce(findings[this.#problem].message);
  }

  #problem = -1;

  zoomToSelection() {
    const { doc, selection } = this.state;
    const points = doc.bays.filter((bay) => selection.includes(bay.uid)).flatMap((bay) => bay.points);
    if (points.length > 0) this.app.stage.zoomTo(bounds(points));
    else this.app.stage.fit();
  }
}
