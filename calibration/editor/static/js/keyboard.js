/** Keys: all of the editor's work can be done without a pointer. */

import { KINDS } from './model/document.js';

/** @type {Record<string, import('./types.js').Point>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Commands after which arrow keys move a crosshair. */
const DRAWING = new Set(['polygon', 'row', 'mask', 'area', 'line']);

/** The name of a key press as the command table writes it. @param {KeyboardEvent} e */
export function chord(e) {
  const key = e.key.length === 1 ? e.key.toUpperCase() : e.key;
  const mod = e.ctrlKey || e.metaKey ? 'Mod+' : '';
  // Shift belongs to the sign itself on a plain sign ("?"), to the chord on a letter.
  const shift = e.shiftKey && (key.length > 1 || /[A-Z<>:;,]/.test(key)) ? 'Shift+' : '';
  return mod + shift + key;
}

/** @param {EventTarget|null} target */
const typing = (target) =>
  target instanceof HTMLInputElement
    ? !['checkbox', 'radio', 'range', 'file'].includes(target.type)
    : target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;

/** @param {import('./app.js').App} app @param {import('./stage/pointer.js').PointerInput} pointer */
export function listenToKeys(app, pointer) {
  const byKey = new Map(app.commands.flatMap((c) => c.keys.map((key) => [key, c])));
  const { svg } = app.stage;

  document.addEventListener('keydown', (e) => {
    if (document.querySelector('dialog[open]') || e.altKey) return;
    const name = chord(e);
    if (typing(e.target) && !name.startsWith('Mod+S') && name !== 'Escape') return;
    if (typing(e.target) && name === 'Escape') return svg.focus();
    if (onControl(e.target) && ['Enter', ' ', 'Delete', 'Backspace'].includes(e.key)) return;
    if (handle(e, name)) e.preventDefault();
  });

  document.addEventListener('keyup', (e) => {
    if (e.key === ' ') {
      pointer.spaceHeld = false;
      svg.classList.remove('grab');
    }
    if (e.key in ARROWS) app.store.endGesture();
  });

  /** @param {KeyboardEvent} e @param {string} name */
  function handle(e, name) {
    const arrow = ARROWS[e.key];
    if (arrow) {
      if (e.target instanceof HTMLInputElement) return false; // a slider moves itself
      if (e.target instanceof Element && e.target.closest('[role=tablist], [role=listbox]')) return false;
      app.actions.nudge(arrow, stepPx(e));
      return true;
    }
    if (e.key === ' ' && !onControl(e.target)) {
      pointer.spaceHeld = true;
      svg.classList.add('grab');
      return true;
    }
    if (/^[1-5]$/.test(name) && app.store.state.selection.length > 0) {
      app.actions.changeSelected({ kind: KINDS[Number(name) - 1] });
      return true;
    }
    const command = byKey.get(name);
    command?.run();
    if (command && DRAWING.has(command.id)) app.actions.showCursor();
    return Boolean(command);
  }

  /** One pixel of the picture for corners; for the crosshair a step that gets somewhere.
   * @param {KeyboardEvent} e */
  function stepPx(e) {
    if (app.actions.placing || app.store.state.copy)
      return e.ctrlKey ? 1 : (e.shiftKey ? 50 : 10) / Math.min(app.stage.view.k, 4);
    return e.shiftKey ? 10 : 1;
  }
}

/** @param {EventTarget|null} target */
const onControl = (target) =>
  target instanceof Element && target.closest('button, a, summary, [role=tab], [role=option]') !== null;
