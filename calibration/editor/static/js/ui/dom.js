/** Small helpers to make elements; no strings of markup, so nothing can be injected. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {Element} element
 * @param {Record<string, any>} props  `on…` listeners, `class`, `dataset`, properties, attributes
 */
function assign(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.setAttribute('class', value);
    else if (name === 'dataset') Object.assign(/** @type {HTMLElement} */ (element).dataset, value);
    else if (name === 'value') /** @type {HTMLInputElement} */ (element).value = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
}

/** @typedef {Node|string|null|undefined|false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [props] @param {...(Child|Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  assign(element, props);
  element.append(.../** @type {Node[]} */ (children.flat().filter((c) => c || c === '')));
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [props] @param {...Element} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  assign(element, props);
  element.append(...children);
  return /** @type {SVGElementTagNameMap[T]} */ (element);
}

/** An element that must be there. @param {string} id @returns {any} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`expected an element #${id}`);
  return element;
}

/** @param {Element} element @param {readonly import('../types.js').Point[]} points */
export const setPoints = (element, points) =>
  element.setAttribute('points', points.map((p) => `${p[0].toFixed(2)},${p[1].toFixed(2)}`).join(' '));

/** Give a field a new value unless someone is typing in it.
 * @param {HTMLInputElement|HTMLSelectElement} field @param {string} value */
export function refill(field, value) {
  if (field.ownerDocument.activeElement !== field && field.value !== value) field.value = value;
}

/** Run `task` once, `delay_ms` after the last call. @param {number} delay_ms @param {() => void} task */
export function debounce(delay_ms, task) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(task, delay_ms);
  };
}
