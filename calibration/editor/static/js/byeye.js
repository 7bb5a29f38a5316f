/** Bays that the running box asks a person to judge, and the answers to it. */

import { bounds } from './geometry/polygon.js';
import { announce, toast, toastError } from './ui/notices.js';

const ASKED_MS = 15000;

export class ByEye {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
    this.store = app.store;
    if (!app.session.applies) return;
    void this.refresh();
    setInterval(() => document.hidden || void this.refresh(), ASKED_MS);
  }

  async refresh() {
    const answer = await this.app.api.json('by-eye').catch(() => null); // the page says itself that it is away
    const { byEye } = this.store.state;
    if (answer && answer.bays.join() !== byEye.join()) this.store.set({ byEye: answer.bays });
  }

  /** @param {string} id */
  show(id) {
    const bay = this.store.state.doc.bays.find((each) => each.id === id);
    if (!bay) return;
    this.app.actions.setTool('select');
    this.store.set({ selection: [bay.uid], activePoint: null });
    this.app.stage.zoomTo(bounds(bay.points));
    announce(`Bay ${id}`);
  }

  /** @param {string} bay @param {boolean} occupied */
  async answer(bay, occupied) {
    try {
      await this.app.api.json('by-eye', 'POST', { bay, occupied });
    } catch (error) {
      toastError(error);
      return;
    }
    this.store.set({ byEye: this.store.state.byEye.filter((id) => id !== bay) });
    toast(`Bay ${bay}: ${occupied ? 'a vehicle is in it' : 'empty'}. The box uses this from now on.`);
  }
}
