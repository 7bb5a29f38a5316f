/** Small helpers round the editor's elements. */

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
