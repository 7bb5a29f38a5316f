/** The bars round the picture: tools, history, zoom, clip, what was kept and saved. */

import { byId, h } from '../../../shared/dom.js';
import { iconButton } from '../panels/fields.js';
import { refill } from './dom.js';
import { showFiles } from './files.js';
import { keyName } from './help.js';
import { icon } from './icons.js';

/** @typedef {import('../commands.js').Command} Command */
/** @typedef {import('../model/store.js').State} State */

/** @param {import('../app.js').App} app */
export function chrome(app) {
  const { store, session, commands } = app;
  const command = (/** @type {string} */ id) => /** @type {Command} */ (commands.find((c) => c.id === id));
  /** @type {{button: HTMLButtonElement, command: Command}[]} */
  const switches = [];
  const commandButton = (/** @type {string} */ id) => {
    const c = command(id);
    const title = `${c.title} (${keyName(c.keys[0])})`;
    const button = iconButton(c.icon ?? 'more', title, c.run);
    button.setAttribute('aria-label', c.title);
    button.id = `do-${id}`;
    if (c.on) switches.push({ button, command: c });
    return button;
  };

  byId('rail').append(
    ...['select', 'polygon', 'row', 'mask', 'area', 'line', 'hand'].map(commandButton),
    h('hr'),
    ...(session.can_propose ? [commandButton('propose')] : []),
    ...(session.can_align ? [commandButton('align')] : []),
  );
  byId('history-buttons').append(commandButton('undo'), commandButton('redo'));
  byId('view-buttons').append(
    commandButton('labels'),
    commandButton('regions'),
    ...(session.can_judge ? [commandButton('live')] : []),
  );
  byId('help-buttons').append(
    iconButton('import', 'Import and export', () => showFiles(app)),
    commandButton('theme'),
    commandButton('help'),
  );
  byId('zoom').append(
    commandButton('zoom-out'),
    byId('zoom-level'),
    commandButton('zoom-in'),
    commandButton('fit'),
  );
  const multi = iconButton('multi', 'Add taps to the selection', () =>
    store.set({ multi: !store.state.multi }),
  );
  multi.classList.add('for-touch');
  multi.id = 'do-multi';
  byId('zoom').prepend(multi);
  byId('save').addEventListener('click', command('save').run);
  byId('camera').textContent = session.camera;
  byId('save').textContent = session.applies ? 'Save and apply' : 'Save';
  if (session.home) {
    const link = h('a', {
      href: session.home,
      class: 'home',
      title: 'Back to the live view',
      'aria-label': 'Back to the live view',
    });
    const mark = byId('mark');
    mark.before(link);
    link.append(mark);
  }
  if (session.cameras.length > 1) byId('camera').replaceWith(cameraChoice(session));
  clipBar(app);

  store.subscribe((state) => {
    for (const { button, command: c } of switches) {
      button.setAttribute('aria-pressed', String(c.on?.() ?? false));
    }
    multi.setAttribute('aria-pressed', String(state.multi));
    const undo = byId('do-undo');
    undo.disabled = store.undoLabel === null;
    undo.title = store.undoLabel ? `Undo: ${store.undoLabel} (${keyName('Mod+Z')})` : 'Nothing to undo';
    const redo = byId('do-redo');
    redo.disabled = store.redoLabel === null;
    redo.title = store.redoLabel ? `Redo: ${store.redoLabel} (${keyName('Mod+Shift+Z')})` : 'Nothing to redo';
    status(app, state);
  });
}

/** @param {import('../app.js').App} app @param {State} state */
function status(app, state) {
  const changed = app.server.changed;
  const errors = state.findings.filter((f) => f.severity === 'error').length;
  byId('save').disabled = !changed || state.busy !== null;
  byId('save').classList.toggle('blocked', errors > 0);
  byId('save').title = errors > 0 ? `${errors} problems to fix first` : 'Save (Ctrl + S)';
  byId('revision').textContent =
    state.base.revision > 0 ? `Revision ${state.base.revision}` : 'Not saved yet';
  const texts = {
    kept: 'Draft saved',
    keeping: 'Saving draft',
    offline: 'Server unreachable: draft saved in this browser',
    none: changed ? 'Unsaved changes' : '',
  };
  byId('draft-state').textContent = texts[state.draft];
  byId('draft-state').dataset.state = state.draft;
  const busy = byId('busy');
  busy.hidden = state.busy === null;
  busy.textContent = state.busy ? `${state.busy}…` : '';
  const hint = byId('hint');
  hint.hidden = state.hint === null;
  hint.textContent = state.hint ?? '';
  byId('legend').hidden = !state.liveOn;
  byId('legend').classList.toggle('working', state.liveBusy);
  if (state.liveOn) tally(state);
}

/** @param {State} state */
function tally(state) {
  const states = [...state.live.values()];
  const count = (/** @type {boolean|null} */ occ) => String(states.filter((s) => s.occ === occ).length);
  byId('count-occupied').textContent = count(true);
  byId('count-free').textContent = count(false);
  byId('count-unknown').textContent = count(null);
}

/** @param {import('../types.js').Session} session */
function cameraChoice(session) {
  const field = h(
    'select',
    {
      id: 'camera',
      'aria-label': 'Camera',
      onchange: () => {
        location.search = new URLSearchParams({ camera: field.value }).toString();
      },
    },
    ...session.cameras.map((name) => h('option', { value: name }, name)),
  );
  field.value = session.camera;
  return field;
}

/** @param {import('../app.js').App} app */
function clipBar(app) {
  const { session, server, store } = app;
  const bar = byId('clip');
  if (session.live) {
    bar.hidden = false;
    const fresh = h(
      'button',
      { type: 'button', onclick: () => void server.refreshPicture() },
      icon('back'),
      h('span', {}, 'Latest image'),
    );
    bar.append(fresh);
  }
  if (session.duration_s === null) return;
  bar.hidden = false;
  const slider = h('input', {
    type: 'range',
    min: 0,
    max: session.duration_s,
    step: 0.1,
    value: '0',
    'aria-label': 'Position in the clip, seconds',
    oninput: () => server.seek(Number(slider.value)),
  });
  const time = h('output', {});
  bar.append(
    iconButton('minus', 'One second back', () => server.seekBy(-1)),
    slider,
    iconButton('plus', 'One second forward', () => server.seekBy(1)),
    time,
  );
  store.subscribe((state) => {
    refill(slider, String(state.time_s));
    slider.value = String(state.time_s);
    time.textContent = `${state.time_s.toFixed(1)} / ${session.duration_s?.toFixed(1)} s`;
  });
}
