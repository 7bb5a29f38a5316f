import { expect, test, vi } from 'vitest';
import { byId, h, s } from '../../pages/shared/dom.js';

test('text that a device sends never becomes markup', () => {
  const made = h('p', { title: '<b>' }, '<img src=x onerror=alert(1)>');
  expect(made.children).toHaveLength(0);
  expect(made.textContent).toBe('<img src=x onerror=alert(1)>');
});

test('attributes, listeners, data and values', () => {
  const clicked = vi.fn();
  const field = h('input', {
    class: 'a',
    disabled: true,
    hidden: false,
    dataset: { bay: 'A1' },
    value: 'x',
    onclick: clicked,
  });
  field.disabled = false;
  field.click();
  expect(clicked).toHaveBeenCalledOnce();
  expect([field.className, field.hidden, field.dataset.bay, field.value]).toEqual(['a', false, 'A1', 'x']);
});

test('children may be nested or absent; an empty text stays a child', () => {
  const made = h('div', {}, 'a', null, false, [h('b'), undefined, ['c', '']]);
  expect([...made.childNodes].map((node) => node.nodeName)).toEqual(['#text', 'B', '#text', '#text']);
  expect(s('svg').namespaceURI).toBe('http://www.w3.org/2000/svg');
});

test('an element that is missing is named', () => {
  expect(() => byId('nowhere')).toThrow('#nowhere');
});
