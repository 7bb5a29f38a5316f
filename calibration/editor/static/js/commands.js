/** Every command once: the keys, the buttons and the help page are made from this table. */

import { showHelp } from './ui/help.js';
import { toggleTheme } from './ui/theme.js';

/**
 * @typedef {object} Command
 * @property {string} id
 * @property {string} title
 * @property {string} group
 * @property {string[]} keys   "Mod" is Ctrl, or Command on a Mac
 * @property {() => void} run
 * @property {string} [icon]
 * @property {() => boolean} [on]  for switches
 */

/** @param {import('./app.js').App} app @returns {Command[]} */
export function makeCommands(app) {
  const { actions, store, server, stage } = app;
  const state = () => store.state;
  /** @param {string} group @param {[string, string, string[], () => void, string?, (() => boolean)?][]} rows */
  const group = (group, rows) =>
    rows.map(([id, title, keys, run, icon, on]) => ({ id, title, group, keys, run, icon, on }));

  return [
    ...group('Tools', [
      [
        'select',
        'Select and move',
        ['V'],
        () => actions.setTool('select'),
        'select',
        () => state().tool === 'select',
      ],
      [
        'polygon',
        'Draw a bay',
        ['P'],
        () => actions.setTool('polygon'),
        'polygon',
        () => state().tool === 'polygon',
      ],
      [
        'row',
        'Lay out a row of bays',
        ['R'],
        () => actions.setTool('row'),
        'row',
        () => state().tool === 'row',
      ],
      [
        'mask',
        'Draw a privacy mask: black in every image',
        ['B'],
        () => actions.setTool('mask'),
        'mask',
        () => state().tool === 'mask',
      ],
      [
        'area',
        'Draw a watched area: no vehicle may stand there',
        ['A'],
        () => actions.setTool('area'),
        'area',
        () => state().tool === 'area',
      ],
      [
        'hand',
        'Move the view (or hold Space)',
        ['H'],
        () => actions.setTool('hand'),
        'hand',
        () => state().tool === 'hand',
      ],
      ['propose', 'Find bays from parked vehicles', ['F'], () => void server.propose(), 'find'],
      [
        'align',
        'Camera moved: align the bays',
        ['M'],
        () => void server.align(),
        'align',
        () => state().align !== null,
      ],
    ]),
    ...group('Drawing', [
      ['confirm', 'Place a corner, finish, create the row', ['Enter'], () => actions.confirm()],
      ['escape', 'Step back', ['Escape'], () => actions.escape()],
      [
        'remove',
        'Delete the corner or the selection',
        ['Delete', 'Backspace'],
        () => actions.remove(),
        'trash',
      ],
      ['turn', 'Turn the row: swap length and depth', ['T'], () => actions.turnRow(), 'turn'],
      ['more', 'Add a bay to the row', [']'], () => step(1)],
      ['fewer', 'Remove a bay from the row', ['['], () => step(-1)],
    ]),
    ...group('Selection', [
      ['next', 'Next bay, mask, area or proposal', ['.'], () => next(1, false)],
      ['previous', 'Previous bay, mask, area or proposal', [','], () => next(-1, false)],
      ['extend', 'Add the next bay', ['Shift+>'], () => next(1, true)],
      ['next-point', 'Next corner', ['C'], () => actions.nextPoint(1)],
      ['previous-point', 'Previous corner', ['Shift+C'], () => actions.nextPoint(-1)],
      ['select-all', 'Select all bays', ['Mod+A'], () => actions.selectAll()],
      ['copy-row', 'Copy the row or bays along the lot', ['Mod+D'], () => actions.copyRow(), 'copy'],
      ['kind', 'Kind: standard, disabled, EV, loading, reserved', ['1', '2', '3', '4', '5'], () => {}],
      ['accept', 'Accept the proposal', ['Y'], () => proposal(true), 'check'],
      ['reject', 'Reject the proposal', ['N'], () => proposal(false), 'cross'],
    ]),
    ...group('View', [
      ['zoom-in', 'Zoom in', ['+', '='], () => stage.zoomBy(1.3), 'plus'],
      ['zoom-out', 'Zoom out', ['-'], () => stage.zoomBy(1 / 1.3), 'minus'],
      ['fit', 'Show the whole image', ['0'], () => stage.fit(), 'fit'],
      ['zoom-selection', 'Zoom to the selection', ['Z'], () => actions.zoomToSelection()],
      [
        'labels',
        'Show ids',
        ['I'],
        () => store.set({ labels: !state().labels }),
        'label',
        () => state().labels,
      ],
      [
        'regions',
        'Show masks and watched areas',
        ['O'],
        () => store.set({ regionsShown: !state().regionsShown }),
        'regions',
        () => state().regionsShown,
      ],
      [
        'live',
        'Live check: is each bay occupied?',
        ['L'],
        () => server.toggleLive(),
        'live',
        () => state().liveOn,
      ],
      ['problem', 'Go to the next problem', ['G'], () => app.problems.next()],
      ['theme', 'Dark or light theme', ['D'], toggleTheme, 'theme'],
      ['earlier', 'Step back in the clip', ['Shift+,', 'Shift+<'], () => server.seekBy(-1)],
      ['later', 'Step forward in the clip', ['Shift+;', 'Shift+:'], () => server.seekBy(1)],
    ]),
    ...group('File', [
      ['save', 'Save and apply', ['Mod+S'], () => void server.save()],
      ['undo', 'Undo', ['Mod+Z'], () => store.undo(), 'undo'],
      ['redo', 'Redo', ['Mod+Shift+Z', 'Mod+Y'], () => store.redo(), 'redo'],
      ['help', 'All shortcuts', ['?'], () => showHelp(app), 'help'],
    ]),
  ];

  /** @param {1|-1} by */
  function step(by) {
    const row = state().row;
    if (row) actions.changeRow({ count: Math.min(200, Math.max(1, row.count + by)) });
  }

  /** @param {1|-1} by @param {boolean} extend */
  function next(by, extend) {
    if (state().panel === 'proposals' && state().doc.proposals.length > 0) app.proposals.next(by);
    else actions.selectNext(by, extend);
  }

  /** @param {boolean} accept */
  function proposal(accept) {
    const uid = state().proposal;
    if (uid) accept ? app.proposals.accept([uid]) : app.proposals.reject([uid]);
  }
}
