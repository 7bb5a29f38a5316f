/**
 * The words that the page's modules share.
 *
 * @typedef {'occupied'|'free'|'unknown'} State
 * @typedef {'single'|'grid'|'settle'} Mode
 * @typedef {[number, number]} Point
 *
 * What the server answers and takes, from its OpenAPI document (`npm run types`):
 * @typedef {import('../../../../../build/types/labelling.js').components['schemas']} Schemas
 * @typedef {Schemas['QuestionView']} Question
 * @typedef {Schemas['ProgressView']} Progress
 * @typedef {Schemas['AnswersBody']} Entry  the answers of one screen
 *
 * @typedef {object} Screen      what takes answers
 * @property {HTMLElement} element
 * @property {readonly Question[]} questions
 * @property {(e: KeyboardEvent) => boolean} key  whether it took the key
 * @property {() => void} shown  called once it stands in the page
 */
export {};
