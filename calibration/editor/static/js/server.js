/** What the page asks of the server: checks, the live view, proposals, saving, revisions. */

import { ApiError } from './api.js';
import { merge, sameDoc } from './model/diff.js';
import { uidsOf } from './model/regions.js';
import { fromWire, proposalFromWire, regionsFromWire, toDraft, toPixels, toWire } from './model/wire.js';
import { showConflict } from './ui/conflict.js';
import { debounce } from './ui/dom.js';
import { announce, toast, toastError } from './ui/notices.js';

/** @typedef {import('./types.js').Doc} Doc */
/** @typedef {import('./types.js').Finding} Finding */

const WATCH_MS = 15000;
const LIVE_MS = 3000;

/** Show the better half when few are sure. @param {import('./types.js').Proposal[]} proposals */
const threshold = (proposals) => Math.min(0.25, Math.max(...proposals.map((p) => p.confidence)) / 2);

/** @param {Doc} a @param {Doc} b */
const sameMasks = (a, b) => {
  const masks = (/** @type {Doc} */ doc) =>
    JSON.stringify(doc.regions.filter((r) => r.kind === 'mask').map((r) => r.points));
  return masks(a) === masks(b);
};

export class Server {
  #pictureVersion = 0;
  #checkLater = debounce(150, () => void this.check());
  #checkDeeplyLater = debounce(1500, () => void this.check(true));
  #liveLater = debounce(300, () => void this.judge());
  #seekLater = debounce(120, () => void this.#seek());
  /** Answers that come after a newer question are dropped. */
  #asked = { check: 0, live: 0 };
  #toldOf = 0;
  /** Told once, as long as it lasts. */
  #pictureFault = '';
  /** @type {{doc: Doc, base: Doc, changed: boolean}|null} */ #compared = null;

  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.store = app.store;
    this.api = app.api;
    app.store.subscribe((state, before) => {
      if (state.doc !== before.doc) {
        this.#checkLater();
        this.#checkDeeplyLater();
      }
      if (state.liveOn && (state.doc.bays !== before.doc.bays || !before.liveOn)) this.#liveLater();
      if (state.time_s !== before.time_s) this.#seekLater();
      if (state.base !== before.base && !sameMasks(state.base.doc, before.base.doc)) {
        // What is saved as masked is black in the picture from then on, and what no longer is, is not.
        this.#pictureVersion += 1;
        void this.refreshPicture();
      }
    });
    setInterval(() => void this.#watch(), WATCH_MS);
    if (app.session.live) {
      // While the live check is on, the picture follows the camera.
      setInterval(() => this.store.state.liveOn && !document.hidden && void this.refreshPicture(), LIVE_MS);
    }
    document.addEventListener('visibilitychange', () => document.hidden || void this.#watch());
  }

  #wire(doc = this.store.state.doc) {
    return toWire(doc, this.app.imageWh);
  }

  /** Whether there is something to save; asked often, worked out once for each document. */
  get changed() {
    const { doc, base } = this.store.state;
    if (this.#compared?.doc !== doc || this.#compared.base !== base.doc) {
      this.#compared = { doc, base: base.doc, changed: !sameDoc(doc, base.doc) };
    }
    return this.#compared.changed;
  }

  /** @param {boolean} [deep] also look for hidden bays, which takes the server a second or two */
  async check(deep = false) {
    const mine = ++this.#asked.check;
    const { doc } = this.store.state;
    try {
      const answer = await this.api.json('check', 'POST', { document: this.#wire(doc), deep });
      if (mine !== this.#asked.check) return;
      const found = answer.findings.map((/** @type {any} */ f) => this.#finding(f));
      // Until the deep look has answered, what it said before stays.
      const kept = deep ? [] : this.store.state.findings.filter((f) => f.code === 'hidden');
      this.store.set({ findings: [...found, ...kept], checked: true });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 0) toastError(error);
    }
  }

  /** @param {any} raw @returns {Finding} */
  #finding(raw) {
    return { ...raw, at: raw.at_norm && toPixels([raw.at_norm], this.app.imageWh)[0] };
  }

  toggleLive() {
    if (!this.app.session.can_judge) return toast('The editor has no model, so live check is unavailable.');
    this.store.set({ liveOn: !this.store.state.liveOn, live: new Map() });
    return undefined;
  }

  /** Ask the network what it sees in the bays as they are drawn now. */
  async judge() {
    const { liveOn, doc, time_s } = this.store.state;
    if (!liveOn || doc.bays.length === 0) return;
    const mine = ++this.#asked.live;
    this.store.set({ liveBusy: true });
    try {
      const answer = await this.api.json('live', 'POST', { document: this.#wire(doc), time_s });
      if (mine !== this.#asked.live) return;
      const live = new Map(doc.bays.map((bay, i) => [bay.uid, answer.states[i]]));
      this.store.set({ live, liveBusy: false });
    } catch (error) {
      this.store.set({ liveBusy: false, liveOn: mine !== this.#asked.live });
      toastError(error);
    }
  }

  /** @param {number} time_s */
  seek(time_s) {
    const end = this.app.session.duration_s;
    if (end !== null) this.store.set({ time_s: Math.min(end, Math.max(0, time_s)) });
  }

  /** @param {number} by seconds */
  seekBy(by) {
    this.seek(this.store.state.time_s + by);
  }

  async #seek() {
    await this.refreshPicture();
    this.#liveLater();
  }

  /** The camera's newest picture, or the clip's at the slider. */
  async refreshPicture() {
    if (this.app.session.live) this.#pictureVersion += 1;
    try {
      await this.app.stage.setPicture(this.api.pictureUrl(this.store.state.time_s, this.#pictureVersion));
      this.#pictureFault = '';
      if (this.store.state.liveOn && this.app.session.live) this.#liveLater();
    } catch {
      const fault = await this.api.pictureFault();
      if (fault !== this.#pictureFault) toast(fault, { kind: 'error' });
      this.#pictureFault = fault;
    }
  }

  /** @template T @param {string} what @param {() => Promise<T>} task @returns {Promise<T|undefined>} */
  async #busy(what, task) {
    if (this.store.state.busy) return undefined;
    this.store.set({ busy: what });
    try {
      return await task();
    } catch (error) {
      toastError(error);
      return undefined;
    } finally {
      this.store.set({ busy: null });
    }
  }

  async propose() {
    const { session } = this.app;
    if (!session.can_propose) {
      toast('The editor has no model, so it cannot detect vehicles.');
      return;
    }
    const { time_s } = this.store.state;
    const answer = await this.#busy('Detecting parked vehicles', () =>
      this.api.json('propose', 'POST', {
        document: this.#wire(),
        time_s,
        whole_clip: session.duration_s !== null,
      }),
    );
    if (!answer) return;
    const proposals = answer.proposals.map((/** @type {any} */ p) => proposalFromWire(p, this.app.imageWh));
    if (proposals.length === 0) {
      toast('No more bays found. Bays are proposed from parked vehicles: try when the lot is fuller.');
      return;
    }
    this.store.edit(`${proposals.length} proposals`, (doc) => ({ ...doc, proposals }), {
      patch: {
        panel: 'proposals',
        proposal: proposals[0].uid,
        leastConfidence: threshold(proposals),
        selection: [],
        tool: 'select',
        row: null,
      },
    });
    announce(`${proposals.length} bays proposed`);
  }

  /** The moved-camera view: where do the bays lie in the present picture? */
  async align() {
    if (!this.app.session.can_align)
      return toast('A camera that moved is aligned at the box, where its image is.');
    if (this.store.state.align) return this.store.set({ align: null });
    await this.refreshPicture();
    const { time_s } = this.store.state;
    const answer = await this.#busy('Comparing with the reference image', () =>
      this.api.json('align', 'POST', { document: this.#wire(), time_s }),
    );
    if (!answer) return undefined;
    const polygons = answer.polygons.map((/** @type {any} */ p) => toPixels(p, this.app.imageWh));
    this.store.set({
      align: {
        polygons,
        groundQuads: answer.ground_quads.map((/** @type {any} */ q) => q && toPixels(q, this.app.imageWh)),
        regions: regionsFromWire(answer, this.app.imageWh),
        verdict: answer.verdict,
        accepted: answer.usable,
        inliers: answer.inliers,
        errorPx: answer.error_px,
        shiftPx: answer.shift_px,
      },
      compare: null,
      panel: 'history',
      selection: [],
      tool: 'select',
      row: null,
    });
    return undefined;
  }

  acceptAlign() {
    const { align } = this.store.state;
    if (!align) return;
    this.store.edit(
      'Align with the moved camera',
      (doc) => ({
        ...doc,
        newReference: true,
        bays: doc.bays.map((bay, i) => ({
          ...bay,
          points: align.polygons[i],
          groundQuad: align.groundQuads[i],
        })),
        regions: align.regions,
      }),
      { patch: { align: null, selection: [] } },
    );
    toast('Bays aligned. Save to make this image the new reference.');
  }

  /** @param {number} [baseRevision] */
  async save(baseRevision = this.store.state.base.revision) {
    this.store.endGesture();
    const { doc, time_s } = this.store.state;
    if (!this.changed) return toast('Nothing to save: no changes.');
    await this.#busy('Saving', async () => {
      try {
        const answer = await this.api.json('save', 'POST', {
          base_revision: baseRevision,
          document: this.#wire(doc),
          time_s,
        });
        this.#saved(answer, doc);
        const { applies, saved_hint } = this.app.session;
        toast(
          `Saved as revision ${answer.calibration.revision}${applies ? ' and applied' : ''}. ${saved_hint}`.trim(),
        );
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.#refused(error);
      }
    });
    return undefined;
  }

  /** @param {ApiError} error */
  #refused(error) {
    if (error.status === 409) this.conflict(error.detail.calibration);
    else if (error.status === 422 && error.detail?.findings) {
      const findings = error.detail.findings.map((/** @type {any} */ f) => this.#finding(f));
      this.store.set({ findings, checked: true, panel: 'problems' });
      const count = findings.filter((/** @type {Finding} */ f) => f.severity === 'error').length;
      toast(`Not saved: ${count} ${count === 1 ? 'problem' : 'problems'} to fix first.`, { kind: 'error' });
    } else throw error;
  }

  /** @param {any} answer @param {Doc} sent @param {string} [label] of the step, when bays change */
  #saved(answer, sent, label = '') {
    const uids = uidsOf(this.store.state.doc);
    const saved = { ...fromWire(answer.calibration, this.app.imageWh, uids), proposals: sent.proposals };
    const { doc } = this.store.state;
    // What was drawn while the answer was on its way stays, as a change of the new revision.
    const now = doc === sent ? saved : { ...merge(sent, doc, saved).doc, newReference: false };
    const patch = {
      base: { revision: answer.calibration.revision, doc: saved },
      revisions: answer.revisions,
      retired: answer.calibration.retired_ids,
      compare: null,
    };
    if (label) this.store.edit(label, () => now, { patch });
    else this.store.set({ doc: now, ...patch }); // the same bays: no step to undo
    this.app.drafts.forget();
  }

  /** Someone else saved: join both, ask about bays that both changed. @param {any} calibration */
  conflict(calibration) {
    const { base, doc } = this.store.state;
    const theirs = fromWire(calibration, this.app.imageWh, uidsOf(doc));
    showConflict(merge(base.doc, doc, theirs), calibration, (joined) => {
      this.store.edit('Merge with the saved revision', () => joined, {
        patch: {
          base: { revision: calibration.revision, doc: theirs },
          retired: calibration.retired_ids,
        },
      });
      void this.reloadHistory();
    });
  }

  async reloadHistory() {
    const answer = await this.api.json('revisions');
    this.store.set({ revisions: answer.revisions });
  }

  /** Announce a revision that was saved elsewhere before it causes a conflict. */
  async #watch() {
    if (document.hidden) return;
    const answer = await this.api.json('revisions').catch(() => null);
    if (!answer) return;
    const newest = Math.max(0, ...answer.revisions.map((/** @type {any} */ r) => r.revision));
    const { base, revisions } = this.store.state;
    if (newest <= base.revision || newest === this.#toldOf || newest <= (revisions.at(-1)?.revision ?? 0))
      return;
    this.#toldOf = newest;
    toast(`Revision ${newest} was saved elsewhere.`, { action: 'Merge', run: () => void this.join() });
  }

  async join() {
    const answer = await this.api.json('session');
    this.conflict(answer.calibration);
  }

  /** @param {number} revision @returns {Promise<Doc|undefined>} */
  async revision(revision) {
    const answer = await this.#busy('Loading', () => this.api.json(`revisions/${revision}`));
    return answer && fromWire(answer.calibration, this.app.imageWh, uidsOf(this.store.state.doc));
  }

  /** @param {number} revision */
  async compareWith(revision) {
    const { base } = this.store.state;
    const doc = revision === base.revision ? base.doc : await this.revision(revision);
    if (doc) this.store.set({ compare: { title: `revision ${revision}`, doc, revision }, align: null });
  }

  /** @param {number} revision */
  async rollBack(revision) {
    await this.#busy('Rolling back', async () => {
      try {
        const answer = await this.api.json('rollback', 'POST', {
          revision,
          base_revision: this.store.state.base.revision,
        });
        this.#saved(answer, this.store.state.doc, `Roll back to ${revision}`);
        toast(`Revision ${revision} restored as revision ${answer.calibration.revision}.`, {
          action: 'Undo',
          run: () => void this.rollBack(answer.calibration.revision - 1),
        });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        this.#refused(error);
      }
    });
  }

  /** @param {string} format */
  async exportAs(format) {
    await this.#busy('Exporting', async () => {
      const { blob, name } = await this.api.export(this.#wire(), format);
      const link = Object.assign(document.createElement('a'), {
        href: URL.createObjectURL(blob),
        download: name,
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  /** @param {File} file @param {import('./types.js').ImportChoice} choice */
  async importFrom(file, choice) {
    await this.#busy('Importing', async () => {
      const answer = await this.api.import(file, choice);
      const taken = this.app.actions.taken;
      const incoming = fromWire(
        { ...toDraft(this.store.state.doc, this.app.imageWh), bays: answer.bays },
        this.app.imageWh,
      );
      const clash = incoming.bays.filter((bay) => taken.has(bay.id)).length;
      this.store.edit(`Import ${file.name}`, (doc) => ({ ...doc, bays: [...doc.bays, ...incoming.bays] }), {
        patch: { selection: incoming.bays.map((bay) => bay.uid), panel: clash > 0 ? 'problems' : 'bays' },
      });
      const said = answer.findings.map((finding) => ` ${finding.message}.`);
      const more = said.length > 3 ? ` And ${said.length - 3} more notes.` : '';
      const remarks = `${said.slice(0, 3).join('')}${more}`;
      toast(
        `${incoming.bays.length} bays imported.${clash ? ` ${clash} ids are taken: renumber them.` : ''}${remarks}`,
      );
    });
  }
}
