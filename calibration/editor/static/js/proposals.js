/** What a person can do with proposed bays. */

import { addBays, makeBay, shownProposals } from './model/document.js';
import { nextFree, nextRow } from './model/naming.js';

export class Proposals {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.store = app.store;
  }

  get state() {
    return this.store.state;
  }

  /** @param {string} uid */
  show(uid) {
    this.store.set({ proposal: uid, panel: 'proposals', selection: [] });
  }

  /** @param {1|-1} step */
  next(step) {
    const shown = shownProposals(this.state);
    const at = shown.findIndex((p) => p.uid === this.state.proposal);
    const next = shown[(at + step + shown.length) % shown.length];
    if (next) this.show(next.uid);
  }

  /** @param {string[]} uids */
  accept(uids) {
    const chosen = this.state.doc.proposals.filter((p) => uids.includes(p.uid));
    if (chosen.length === 0) return;
    const { taken } = this.app.actions;
    const last = this.state.doc.bays.at(-1)?.id;
    let id = last ?? 'A00';
    const bays = chosen.map((p, i) => {
      const newGroup = i > 0 && p.group !== chosen[i - 1].group;
      id = newGroup
        ? nextRow(
            id.replace(/\d+(?=\D*$)/, (d) => '1'.padStart(d.length, '0')),
            0,
            taken,
          )
        : nextFree(id, taken);
      taken.add(id);
      return makeBay(id, p.points);
    });
    this.store.edit(`Accept ${bays.length === 1 ? bays[0].id : `${bays.length} proposals`}`, (doc) => ({
      ...addBays(doc, bays),
      proposals: doc.proposals.filter((p) => !uids.includes(p.uid)),
    }));
    this.#after(
      uids,
      bays.map((bay) => bay.uid),
    );
  }

  /** @param {string[]} uids */
  reject(uids) {
    this.store.edit(uids.length === 1 ? 'Reject proposal' : `Reject ${uids.length} proposals`, (doc) => ({
      ...doc,
      proposals: doc.proposals.filter((p) => !uids.includes(p.uid)),
    }));
    this.#after(uids, []);
  }

  /** @param {string[]} gone @param {string[]} selection */
  #after(gone, selection) {
    const left = shownProposals(this.state);
    const stays = this.state.proposal !== null && !gone.includes(this.state.proposal);
    const proposal = stays ? this.state.proposal : (left[0]?.uid ?? null);
    this.store.set({ proposal, selection, activePoint: null });
    if (this.state.doc.proposals.length === 0) this.store.set({ panel: 'bays', proposal: null });
  }
}
