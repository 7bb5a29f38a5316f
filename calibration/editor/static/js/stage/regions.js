/**
 * Draws privacy masks and watched areas, under the bays. A mask is dark and hatched, an area light
 * with a line of dashes and dots: each is recognisable by its form, not by colour alone.
 */

import { s } from '../../../shared/dom.js';
import { bounds, labelPoint } from '../geometry/polygon.js';
import { WORDS, worstByRegion } from '../model/regions.js';
import { setPoints } from '../ui/dom.js';

/** @typedef {import('../types.js').Region} Region */
/** @typedef {import('../model/store.js').State} State */
/**
 * @typedef {object} Drawn
 * @property {Region} region
 * @property {SVGGElement} group
 * @property {SVGTextElement} label
 * @property {[number, number]} room  width and height for its label, pixels of the picture
 */

/** Pixels of the screen that the second line of a label wants. */
const ROOM_FOR_WORDS = [90, 44];

/** Pixels of the screen from one line of a hatch to the next. */
const HATCH = { mask: 9, area: 16 };

export class RegionLayer {
  /** @type {Drawn[]} */ #drawn = [];
  #hatches = { mask: hatch('mask'), area: hatch('area') };

  /** @param {SVGGElement} layer under the bays */
  constructor(layer) {
    this.layer = layer;
    layer.before(s('defs', {}, this.#hatches.mask, this.#hatches.area));
  }

  /** Regions are few and change seldom, so all are redrawn. @param {State} state */
  render(state) {
    const selected = new Set(state.selection);
    const worst = worstByRegion(state.doc, state.findings);
    this.#drawn = state.regionsShown
      ? state.doc.regions.map((region) =>
          draw(region, [selected.has(region.uid) ? 'selected' : '', worst.get(region.uid) ?? '']),
        )
      : [];
    this.layer.replaceChildren(...this.#drawn.map(({ group }) => group));
    this.layer.classList.toggle('locked', state.regionsLocked);
  }

  /** Hatches keep their width on the screen; labels are shown where they fit.
   * @param {number} k zoom @param {boolean} wanted */
  fit(k, wanted) {
    const size = (1 / k).toFixed(5);
    // An area's lines fall the other way.
    this.#hatches.mask.setAttribute('patternTransform', `scale(${size} ${size})`);
    this.#hatches.area.setAttribute('patternTransform', `scale(-${size} ${size})`);
    for (const { label, region, room } of this.#drawn) {
      const [width, height] = room.map((side) => side * k);
      label.classList.toggle('bare', !wanted || height < 16 || width < 7 * region.name.length + 6);
      label.classList.toggle('tight', width < ROOM_FOR_WORDS[0] || height < ROOM_FOR_WORDS[1]);
    }
  }
}

/** @param {Region} region @param {string[]} classes @returns {Drawn} */
function draw(region, classes) {
  const shapes = ['halo', 'ground', 'hatching', 'line'].map((part) => {
    const shape = s('polygon', { class: part });
    setPoints(shape, region.points);
    return shape;
  });
  // A hatch is named by an attribute: a style sheet would look for it in its own file.
  shapes[2].setAttribute('fill', `url(#hatch-${region.kind})`);
  const [x, y] = labelPoint(region.points).map((v) => v.toFixed(2));
  const label = s(
    'text',
    { class: 'label region-label', x, y },
    span(region.name, { x, dy: '0.35em', class: 'name' }),
    span(WORDS[region.kind], { x, dy: '1.2em', class: 'conf' }),
  );
  const group = s(
    'g',
    {
      class: `region ${region.kind} ${classes.join(' ')}`,
      dataset: { hit: 'region', uid: region.uid, region: region.name },
    },
    ...shapes,
    label,
  );
  const [left, top, right, bottom] = bounds(region.points);
  return { region, group, label, room: [right - left, bottom - top] };
}

/** @param {string} text @param {Record<string, any>} props */
function span(text, props) {
  const element = s('tspan', props);
  element.textContent = text;
  return element;
}

/** Lines aslant. @param {Region['kind']} kind */
function hatch(kind) {
  const size = HATCH[kind];
  return s(
    'pattern',
    {
      id: `hatch-${kind}`,
      class: `hatch ${kind}`,
      patternUnits: 'userSpaceOnUse',
      width: size,
      height: size,
    },
    s('path', { d: `M-1 1L1-1M0 ${size}L${size} 0M${size - 1} ${size + 1}L${size + 1} ${size - 1}` }),
  );
}
