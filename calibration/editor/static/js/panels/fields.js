/** Labelled form fields that the panels share. */

import { h } from '../../../shared/dom.js';
import { icon } from '../ui/icons.js';

let number = 0;

/** @param {string} text @param {HTMLElement} field @param {string} [hint] */
export function labelled(text, field, hint) {
  field.id ||= `field-${++number}`;
  const note = hint ? h('small', { id: `${field.id}-hint` }, hint) : null;
  if (note) field.setAttribute('aria-describedby', note.id);
  return h('div', { class: 'field' }, h('label', { for: field.id }, text), field, note);
}

/** @param {readonly (string|[string, string])[]} options @param {(value: string) => void} onchange */
export const choice = (options, onchange) => {
  const field = h(
    'select',
    { onchange: () => onchange(field.value) },
    ...options.map((o) =>
      typeof o === 'string' ? h('option', { value: o }, words(o)) : h('option', { value: o[0] }, o[1]),
    ),
  );
  return field;
};

/** @param {string} value a word of the file @returns {string} as people read it */
export const words = (value) => (value === 'ev' ? 'EV charging' : capital(value.replace(/_/g, ' ')));

/** @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param {string} text @param {() => void} run @param {{icon?: string, class?: string, title?: string}} [more] */
export const button = (text, run, more = {}) =>
  h(
    'button',
    { type: 'button', class: more.class, title: more.title, onclick: run },
    more.icon ? icon(more.icon) : null,
    h('span', {}, text),
  );

/** A button that is only a sign. @param {string} name @param {string} title @param {() => void} run */
export const iconButton = (name, title, run) =>
  h('button', { type: 'button', class: 'plain', title, 'aria-label': title, onclick: run }, icon(name));

/** A number with buttons for fingers. @param {{min: number, max: number, onchange: (value: number) => void}} options */
export function stepper({ min, max, onchange }) {
  const field = h('input', {
    type: 'number',
    min,
    max,
    step: 1,
    inputmode: 'numeric',
    oninput: () => {
      const value = Math.round(Number(field.value));
      if (field.value !== '' && value >= min && value <= max) onchange(value);
    },
  });
  const by = (/** @type {number} */ d) => () => {
    const value = Math.min(max, Math.max(min, Number(field.value) + d));
    field.value = String(value);
    onchange(value);
  };
  const element = h(
    'div',
    { class: 'stepper' },
    iconButton('minus', 'Decrease', by(-1)),
    field,
    iconButton('plus', 'Increase', by(1)),
  );
  return { field, element };
}
