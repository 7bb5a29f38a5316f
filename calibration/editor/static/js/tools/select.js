/** Select and change what is there: bays, corners, edges; a marquee on empty ground. */

import { add, bounds, distance, nearestOnSegment, shiftWithin } from '../geometry/polygon.js';
import { snap } from '../geometry/snap.js';
import { problemOf, problemOfLine } from '../model/checks.js';
import {
  changeOutlines,
  insertPoint,
  isBay,
  isOpen,
  movePoints,
  outlineOf,
  outlinesOf,
  removePoint,
  shifted,
} from '../model/document.js';
import { called } from '../model/regions.js';

/** @typedef {import('../types.js').Point} Point */
/** @typedef {import('../types.js').Doc} Doc */
/** @typedef {import('../stage/pointer.js').Press} Press */

/** @param {import('../app.js').App} app @returns {import('../stage/pointer.js').Tool} */
export function selectTool(app) {
  const { store, stage } = app;
  /** @type {{doc: Doc, indices: number[], uid: string}|null} */
  let grip = null;
  /** @type {{doc: Doc, uids: Set<string>}|null} */
  let carried = null;
  let marquee = false;
  let gesture = 0;

  /** @param {Press} press */
  function down(press) {
    grip = carried = null;
    marquee = false;
    gesture += 1;
    const { doc, selection } = store.state;
    const hit = press.hit;
    if (hit && (hit.kind === 'point' || hit.kind === 'edge' || hit.kind === 'mid')) {
      const outline = outlineOf(doc, selection[0]);
      if (!outline) return false;
      const after = (hit.index + 1) % outline.points.length;
      const indices = hit.kind === 'edge' ? [hit.index, after] : [hit.index];
      grip = { doc, uid: outline.uid, indices };
      store.set({ activePoint: hit.kind === 'point' ? hit.index : null });
      return true;
    }
    if (hit?.kind === 'proposal') return true;
    // A mask or an area covers much of the ground: only once it is selected does a drag move it.
    if (hit?.kind === 'bay' || (hit?.kind === 'region' && selection.includes(hit.uid))) {
      const uids = selection.includes(hit.uid) ? new Set(selection) : new Set([hit.uid]);
      carried = { doc, uids };
      return true;
    }
    marquee = !press.touch || press.additive;
    return marquee;
  }

  /** Bays snap to bays, masks and areas to all that is shown; what is no bay stays in the picture.
   * @param {Press} press @param {Press} start @param {Doc} doc @param {ReadonlySet<string>} moving
   * @param {readonly Point[]} corners @returns {Point} */
  function snappedDelta(press, start, doc, moving, corners) {
    const regions = doc.regions.filter((region) => moving.has(region.uid));
    /** @type {Point} */
    const wanted = [press.at[0] - start.at[0], press.at[1] - start.at[1]];
    const raw = regions.length > 0 && corners.length > 0 ? shiftWithin(corners, wanted, app.imageWh) : wanted;
    if (press.free) return raw;
    const targets = regions.length > 0 && store.state.regionsShown ? outlinesOf(doc) : doc.bays;
    const others = targets.filter((outline) => !moving.has(outline.uid)).map((outline) => outline.points);
    const reach = 8 / stage.view.k;
    let best = reach;
    let delta = raw;
    for (const corner of corners) {
      const target = add(corner, raw);
      const found = snap(target, others, reach);
      const off = found ? distance(found.point, target) : Infinity;
      if (found && off <= best) {
        best = off;
        delta = [found.point[0] - corner[0], found.point[1] - corner[1]];
      }
    }
    return delta;
  }

  /** @param {Press} press @param {Press} start */
  function drag(press, start) {
    if (grip) return dragPoints(press, start);
    if (carried) {
      const { doc, uids } = carried;
      const corners = outlinesOf(doc)
        .filter(({ uid }) => uids.has(uid))
        .flatMap(({ points }) => points);
      const delta = snappedDelta(press, start, doc, uids, corners.length <= 64 ? corners : []);
      store.edit(
        `Move ${called(doc, [...uids])}`,
        () => changeOutlines(doc, uids, (outline) => shifted(outline, delta)),
        {
          gesture: `move${gesture}`,
          patch: { selection: [...uids], activePoint: null },
        },
      );
    } else if (marquee) stage.showMarquee(start.screen, press.screen);
  }

  /** @param {Press} press @param {Press} start */
  function dragPoints(press, start) {
    if (!grip) return;
    const kind = start.hit?.kind;
    const { uid } = grip;
    if (kind === 'mid') {
      // The first move of a middle handle makes it a corner; from then on it is dragged as one.
      grip = {
        doc: insertPoint(grip.doc, uid, grip.indices[0], start.at),
        uid,
        indices: [grip.indices[0] + 1],
      };
      start.hit = { kind: 'point', uid, index: grip.indices[0] };
    }
    const { doc, indices } = grip;
    const outline = outlineOf(doc, uid);
    if (!outline) return;
    const linked = !press.free && kind !== 'mid';
    const from = indices.map((i) => outline.points[i]);
    // A neighbour whose corner comes along is no target to snap to.
    const along = new Set([uid]);
    if (linked && isBay(outline)) {
      for (const other of doc.bays) {
        if (other.points.some((p) => from.some((q) => distance(p, q) < 0.75))) along.add(other.uid);
      }
    }
    const delta = snappedDelta(press, start, doc, along, from);
    store.edit(
      indices.length > 1 ? 'Move edge' : 'Move corner',
      () => movePoints(doc, uid, indices, delta, linked),
      {
        gesture: `points${gesture}`,
        patch: { activePoint: indices.length === 1 ? indices[0] : null },
      },
    );
    const changed = outlineOf(store.state.doc, uid);
    const problem = changed && isOpen(changed) ? problemOfLine : problemOf;
    store.set({ hint: changed ? problem(changed.points, app.imageWh, []) : null });
  }

  /** @param {Press} press @param {Press} start */
  function up(press, start) {
    store.set({ hint: null });
    if (!marquee) return;
    stage.hideMarquee();
    const [a, b] = [start.at, press.at];
    const box = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
    const caught = store.state.doc.bays.filter((bay) => {
      const [l, t, r, bt] = bounds(bay.points);
      return (l + r) / 2 > box[0] && (l + r) / 2 < box[2] && (t + bt) / 2 > box[1] && (t + bt) / 2 < box[3];
    });
    const before = press.additive ? store.state.selection : [];
    app.actions.select([...new Set([...before, ...caught.map((bay) => bay.uid)])]);
  }

  /** @param {Press} press @param {Press} start */
  function tap(press, start) {
    const hit = start.hit;
    const { selection } = store.state;
    if (hit?.kind === 'proposal') app.proposals.show(hit.uid);
    else if (hit?.kind === 'bay' || hit?.kind === 'region') {
      const others = selection.filter((uid) => uid !== hit.uid);
      if (!press.additive) app.actions.select([hit.uid]);
      else app.actions.select(others.length < selection.length ? others : [...selection, hit.uid]);
    } else if (!hit && !press.additive) app.actions.select([]);
  }

  /** Twice on an edge: a new corner there; on a corner: away with it; on a proposal: accept.
   * @param {Press} press */
  function double(press) {
    const hit = press.hit;
    const uid = store.state.selection[0];
    if (hit?.kind === 'proposal') app.proposals.accept([hit.uid]);
    else if (hit?.kind === 'point') {
      store.edit('Remove corner', (doc) => removePoint(doc, uid, hit.index), {
        patch: { activePoint: null },
      });
    } else if (hit?.kind === 'edge' || hit?.kind === 'mid') {
      const outline = outlineOf(store.state.doc, uid);
      if (!outline) return;
      const next = outline.points[(hit.index + 1) % outline.points.length];
      const at = nearestOnSegment(press.at, outline.points[hit.index], next);
      store.edit('Add corner', (doc) => insertPoint(doc, uid, hit.index, at), {
        patch: { activePoint: hit.index + 1 },
      });
    } else if (!hit) stage.fit();
    else if (!store.state.selection.includes(hit.uid)) tap(press, press); // deselected in between
  }

  function cancel() {
    stage.hideMarquee();
    store.set({ hint: null });
    if (grip || carried) store.undo();
    grip = carried = null;
  }

  return { hover: () => {}, down, drag, up, tap, double, cancel };
}
