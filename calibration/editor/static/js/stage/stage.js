/** The picture with all that is drawn on it. */

import { byId, s } from '../../../shared/dom.js';
import { BayLayer } from './bays.js';
import { comparison, proposalShapes, selectionHandles, shapeInHand } from './overlay.js';
import { RegionLayer } from './regions.js';
import { View } from './view.js';

/** @typedef {import('../model/store.js').State} State */

export class Stage {
  view = new View();
  /** @type {SVGSVGElement} */ svg = byId('stage');
  /** @type {SVGGElement} */ #world = byId('world');
  /** @type {SVGImageElement} */ #picture = byId('picture');
  #bays = new BayLayer(byId('bays'), byId('labels'));
  #regions = new RegionLayer(byId('regions'));
  #marquee = s('rect', { class: 'marquee', visibility: 'hidden' });

  /** @param {import('../model/store.js').Store} store @param {[number, number]} imageWh */
  constructor(store, imageWh) {
    this.store = store;
    this.imageWh = imageWh;
    this.#picture.setAttribute('width', String(imageWh[0]));
    this.#picture.setAttribute('height', String(imageWh[1]));
    byId('frame').setAttribute('width', String(imageWh[0]));
    byId('frame').setAttribute('height', String(imageWh[1]));
    this.svg.append(this.#marquee);
    this.svg.dataset.tool = store.state.tool;
    this.view.subscribe(() => this.#transform());
    store.subscribe((state, before) => this.#render(state, before));
    new ResizeObserver(() => this.view.chosen || this.fit()).observe(this.svg);
    this.fit();
  }

  /** @returns {[number, number]} */
  get size() {
    const { width, height } = this.svg.getBoundingClientRect();
    return [width, height];
  }

  fit() {
    this.view.chosen = false;
    this.view.show([0, 0, ...this.imageWh], this.size, { margin: 20, closest: 4 });
  }

  /** Bring a part of the picture near. @param {readonly [number, number, number, number]} box */
  zoomTo([left, top, right, bottom]) {
    const [w, h] = this.imageWh;
    const pad = Math.max(right - left, bottom - top, 40) * 0.8;
    this.view.chosen = true;
    // Beyond the picture there is nothing to see: a lane across it is not shown smaller than all.
    this.view.show(
      [
        Math.max(Math.min(left, 0), left - pad),
        Math.max(Math.min(top, 0), top - pad),
        Math.min(Math.max(right, w), right + pad),
        Math.min(Math.max(bottom, h), bottom + pad),
      ],
      this.size,
    );
  }

  /** @param {import('../types.js').Point} middle screen @param {number} factor */
  zoomBy(factor, middle = [this.size[0] / 2, this.size[1] / 2]) {
    this.view.zoom(middle, factor);
  }

  /** Show another picture once it is loaded, so that nothing flickers. @param {string} url */
  async setPicture(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    this.#picture.setAttribute('href', url);
  }

  /** @param {import('../types.js').Point} a screen @param {import('../types.js').Point} b */
  showMarquee(a, b) {
    const box = {
      x: Math.min(a[0], b[0]),
      y: Math.min(a[1], b[1]),
      width: Math.abs(a[0] - b[0]),
      height: Math.abs(a[1] - b[1]),
      visibility: 'visible',
    };
    for (const [name, value] of Object.entries(box)) this.#marquee.setAttribute(name, String(value));
  }

  hideMarquee() {
    this.#marquee.setAttribute('visibility', 'hidden');
  }

  #transform() {
    const { k, x, y } = this.view;
    this.#world.setAttribute(
      'transform',
      `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${k.toFixed(5)})`,
    );
    // Handles and labels keep their size on the screen: the style sheet divides by this.
    this.#world.style.setProperty('--k', k.toFixed(5));
    this.#bays.fitLabels(k, this.store.state.labels);
    this.#regions.fit(k, this.store.state.labels);
    this.#handles(this.store.state);
    byId('zoom-level').textContent = `${Math.round(k * 100)} %`;
  }

  /** @param {State} state */
  #handles(state) {
    byId('handles').replaceChildren(...selectionHandles(state, this.view.k));
  }

  /** @param {State} state @param {State} before */
  #render(state, before) {
    const changed = (/** @type {(keyof State)[]} */ ...keys) =>
      keys.some((key) => state[key] !== before[key]);
    if (changed('doc', 'selection', 'findings', 'live', 'liveOn', 'labels')) {
      this.#bays.render(state);
      this.#bays.fitLabels(this.view.k, state.labels);
    }
    const regionsChanged = state.doc.regions !== before.doc.regions;
    if (regionsChanged || changed('selection', 'findings', 'labels', 'regionsShown', 'regionsLocked')) {
      this.#regions.render(state);
      this.#regions.fit(this.view.k, state.labels);
    }
    if (changed('doc', 'selection', 'activePoint', 'tool', 'regionsShown')) {
      this.#handles(state);
    }
    if (changed('polygon', 'row', 'copy', 'cursor', 'snapped', 'tool', 'hint', 'doc')) {
      byId('draft').replaceChildren(...shapeInHand(state));
    }
    if (changed('doc', 'proposal', 'leastConfidence'))
      byId('proposals').replaceChildren(...proposalShapes(state));
    if (changed('doc', 'compare', 'align')) byId('compare').replaceChildren(...comparison(state));
    if (changed('tool', 'align', 'copy')) {
      this.svg.dataset.tool = state.tool;
      this.svg.classList.toggle('aligning', state.align !== null);
    }
  }
}
