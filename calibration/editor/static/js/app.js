/**
 * What the parts of the page are given.
 *
 * @typedef {object} App
 * @property {import('./model/store.js').Store} store
 * @property {import('./stage/stage.js').Stage} stage
 * @property {import('./api.js').Api} api
 * @property {import('./types.js').Session} session
 * @property {[number, number]} imageWh
 * @property {import('./actions.js').Actions} actions
 * @property {import('./problems.js').Problems} problems
 * @property {import('./proposals.js').Proposals} proposals
 * @property {import('./byeye.js').ByEye} byEye
 * @property {import('./server.js').Server} server
 * @property {import('./drafts.js').Drafts} drafts
 * @property {import('./commands.js').Command[]} commands
 */
export {};
