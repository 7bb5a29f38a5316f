/** Puts the page together. */

import { byId, h } from '../../shared/dom.js';
import { Actions } from './actions.js';
import { Api } from './api.js';
import { ByEye } from './byeye.js';
import { makeCommands } from './commands.js';
import { Drafts } from './drafts.js';
import { listenToKeys } from './keyboard.js';
import { emptyDoc } from './model/document.js';
import { Store } from './model/store.js';
import { fromWire } from './model/wire.js';
import { sidePanel } from './panels/side.js';
import { Problems } from './problems.js';
import { Proposals } from './proposals.js';
import { Server } from './server.js';
import { PointerInput } from './stage/pointer.js';
import { Stage } from './stage/stage.js';
import { polygonTool } from './tools/polygon.js';
import { rowTool } from './tools/row.js';
import { selectTool } from './tools/select.js';
import { chrome } from './ui/chrome.js';
import { restoreTheme } from './ui/theme.js';

async function start() {
  restoreTheme();
  const camera = new URLSearchParams(location.search).get('camera') ?? '_';
  const api = new Api(camera);
  const session = await api.session();
  api.base = `api/${encodeURIComponent(session.camera)}`;
  const store = new Store();
  const stage = new Stage(store, session.image_wh);
  /** @type {import('./app.js').App} */
  const app = /** @type {any} */ ({ store, stage, api, session, imageWh: session.image_wh });
  app.actions = new Actions(app);
  app.problems = new Problems(app);
  app.proposals = new Proposals(app);
  app.byEye = new ByEye(app);
  app.server = new Server(app);
  app.drafts = new Drafts(app);
  app.commands = makeCommands(app);

  chrome(app);
  sidePanel(app);
  const select = selectTool(app);
  const polygon = polygonTool(app);
  const tools = {
    select,
    hand: select,
    polygon,
    row: rowTool(app),
    mask: polygon,
    area: polygon,
    line: polygon,
  };
  const pointer = new PointerInput(stage, store, () => tools[store.state.tool]);
  listenToKeys(app, pointer);

  const { calibration } = session;
  const doc = calibration ? fromWire(calibration, session.image_wh) : emptyDoc();
  store.set({
    doc,
    base: { revision: session.revision, doc },
    revisions: session.revisions,
    retired: session.retired_ids,
  });
  await Promise.all([app.server.refreshPicture(), app.drafts.begin()]);
  if (new URLSearchParams(location.search).has('propose') && doc.bays.length === 0)
    await app.server.propose();
  document.documentElement.dataset.ready = 'true';
}

start().catch((error) => {
  byId('canvas').replaceChildren(
    h(
      'div',
      { class: 'failed', role: 'alert' },
      h('h1', {}, 'The editor could not start'),
      h('p', {}, error instanceof Error ? error.message : String(error)),
      h('button', { type: 'button', class: 'primary', onclick: () => location.reload() }, 'Try again'),
    ),
  );
});
