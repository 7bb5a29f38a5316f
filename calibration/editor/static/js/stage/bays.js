/** Draws the bays: one group each, kept as long as the bay lives, touched only when it changed. */

import { s } from '../../../shared/dom.js';
import { bounds, centroid } from '../geometry/polygon.js';
import { setPoints } from '../ui/dom.js';

/** @typedef {import('../types.js').Bay} Bay */
/** @typedef {import('../types.js').LiveState} LiveState */
/** @typedef {import('../model/store.js').State} State */
/**
 * @typedef {object} Drawn
 * @property {SVGGElement} group
 * @property {SVGPolygonElement} halo   dark under the light stroke, so that it shows on any ground
 * @property {SVGPolygonElement} shape
 * @property {SVGTextElement} label  in its own layer, so that no neighbour covers it
 * @property {Bay|null} bay
 * @property {any[]} facts  all that the look depends on
 */

const ROOM_FOR_PERCENT = 62; // pixels of the screen, for "● 100%" between its neighbours

export class BayLayer {
  /** @type {Map<string, Drawn>} */ #drawn = new Map();

  /** @param {SVGGElement} layer @param {SVGGElement} labels above all shapes */
  constructor(layer, labels) {
    this.layer = layer;
    this.labels = labels;
  }

  /** @param {State} state */
  render(state) {
    const selected = new Set(state.selection);
    const worst = worstByBay(state);
    const seen = new Set();
    for (const bay of state.doc.bays) {
      seen.add(bay.uid);
      const drawn = this.#drawn.get(bay.uid) ?? this.#create(bay.uid);
      const live = state.liveOn ? state.live.get(bay.uid) : undefined;
      const facts = [bay, selected.has(bay.uid), worst.get(bay.id), live];
      if (facts.every((fact, i) => fact === drawn.facts[i])) continue;
      if (drawn.facts[0] !== bay) this.#reshape(drawn, bay);
      drawn.facts = facts;
      this.#restyle(drawn, lookOf(bay, selected.has(bay.uid), worst.get(bay.id), live));
    }
    for (const [uid, drawn] of this.#drawn) {
      if (seen.has(uid)) continue;
      drawn.group.remove();
      drawn.label.remove();
      this.#drawn.delete(uid);
    }
  }

  /** @param {string} uid @returns {Drawn} */
  #create(uid) {
    const halo = s('polygon', { class: 'halo' });
    const shape = s('polygon', { class: 'shape' });
    const label = s('text', { class: 'label' });
    const group = s('g', { dataset: { hit: 'bay', uid } }, halo, shape);
    this.layer.append(group);
    this.labels.append(label);
    /** @type {Drawn} */
    const drawn = { group, halo, shape, label, bay: null, facts: [] };
    this.#drawn.set(uid, drawn);
    return drawn;
  }

  /** @param {Drawn} drawn @param {Bay} bay */
  #reshape(drawn, bay) {
    drawn.bay = bay;
    setPoints(drawn.halo, bay.points);
    setPoints(drawn.shape, bay.points);
    const [x, y] = centroid(bay.points);
    drawn.label.setAttribute('x', x.toFixed(2));
    drawn.label.setAttribute('y', y.toFixed(2));
    const [left, top, right, bottom] = bounds(bay.points);
    drawn.group.dataset.span = String(Math.min(right - left, (bottom - top) * 1.6).toFixed(0));
  }

  /** @param {Drawn} drawn @param {ReturnType<typeof lookOf>} look */
  #restyle(drawn, look) {
    drawn.group.setAttribute('class', `bay ${look.classes}`);
    drawn.group.dataset.bay = look.id;
    drawn.label.setAttribute('class', `label bay-label ${look.classes}`);
    const x = drawn.label.getAttribute('x');
    const spans = [span(look.id, { x, dy: look.sign ? '-0.25em' : '0.35em' })];
    if (look.sign) spans.push(span(look.sign, { x, dy: '1.15em', class: 'conf' }));
    if (look.percent) spans.push(span(` ${look.percent}`, { class: 'conf percent' }));
    drawn.label.replaceChildren(...spans);
  }

  /** Labels are shown where they fit. @param {number} k zoom @param {boolean} wanted */
  fitLabels(k, wanted) {
    for (const { group, label, bay } of this.#drawn.values()) {
      const room = Number(group.dataset.span) * k;
      const need = 7 * (bay?.id.length ?? 0) + 6;
      label.classList.toggle('bare', !wanted || room < need);
      label.classList.toggle('tight', room < ROOM_FOR_PERCENT);
    }
  }
}

/** @param {string} text @param {Record<string, any>} props */
function span(text, props) {
  const element = s('tspan', props);
  element.textContent = text;
  return element;
}

/** @param {State} state @returns {Map<string, string>} */
function worstByBay(state) {
  /** @type {Map<string, string>} */
  const worst = new Map();
  for (const finding of state.findings) {
    if (finding.bay === null || finding.severity === 'info') continue;
    if (worst.get(finding.bay) !== 'error') worst.set(finding.bay, finding.severity);
  }
  return worst;
}

/** Form and sign as well as colour tell the states apart. @param {Bay} bay
 * @param {boolean} selected @param {string|undefined} problem @param {LiveState|undefined} live */
function lookOf(bay, selected, problem, live) {
  const classes = [`kind-${bay.kind}`];
  let sign = '';
  let percent = '';
  if (selected) classes.push('selected');
  if (problem) classes.push(problem);
  if (live) {
    classes.push(live.occ === null ? 'unknown' : live.occ ? 'occupied' : 'free');
    sign = live.occ === null ? '?' : live.occ ? '●' : '○';
    percent = live.occ === null ? '' : `${Math.round(live.conf * 100)}%`;
  }
  return { classes: classes.join(' '), id: bay.id, sign, percent };
}
