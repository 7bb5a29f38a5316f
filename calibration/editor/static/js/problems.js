/** From what is wrong to its place on the picture. */

import { bounds } from './geometry/polygon.js';
import { isBay } from './model/document.js';
import { announce } from './ui/notices.js';

export class Problems {
  #at = -1;

  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.store = app.store;
  }

  /** @param {import('./types.js').Finding} finding */
  show(finding) {
    const { bays, regions } = this.store.state.doc;
    const outline = bays.find((b) => b.id === finding.bay) ?? regions.find((r) => finding[r.kind] === r.name);
    if (outline) {
      this.app.actions.setTool('select');
      this.store.set({
        selection: [outline.uid],
        activePoint: null,
        regionsShown: this.store.state.regionsShown || !isBay(outline),
      });
      this.app.stage.zoomTo(bounds(outline.points));
    } else if (finding.at) this.app.stage.zoomTo([...finding.at, ...finding.at]);
  }

  /** Step through the problems, worst first. */
  next() {
    const { findings } = this.store.state;
    if (findings.length === 0) return;
    this.#at = (this.#at + 1) % findings.length;
    this.store.set({ panel: 'problems' });
    this.show(findings[this.#at]);
    announce(findings[this.#at].message);
  }
}
