/** Making elements. No strings of markup, so nothing that a device or a file says can become markup. */

const SVG = 'http://www.w3.org/2000/svg';

/** @typedef {Node|string|null|undefined|false} Child */
/** @typedef {Child|readonly any[]} Children  lists may be nested */

/**
 * @param {Element} element
 * @param {Record<string, any>} props  `on…` listeners, `class`, `dataset`, `value`, attributes
 */
function assign(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'dataset') Object.assign(/** @type {HTMLElement} */ (element).dataset, value);
    else if (name === 'value') /** @type {HTMLInputElement} */ (element).value = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
}

/** @param {Element} element @param {readonly Children[]} children */
function append(element, children) {
  const flat = /** @type {Child[]} */ (children.flat(Number.POSITIVE_INFINITY));
  element.append(.../** @type {(Node|string)[]} */ (flat.filter((child) => child || child === '')));
}

/**
 * An HTML element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [props] @param {...Children} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  assign(element, props);
  append(element, children);
  return element;
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [props] @param {...Children} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  assign(element, props);
  append(element, children);
  return /** @type {SVGElementTagNameMap[T]} */ (element);
}

/** An element that must be there. @param {string} id @returns {any} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`expected an element #${id}`);
  return element;
}
