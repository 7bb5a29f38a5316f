/**
 * The words that the page's modules share.
 *
 * @typedef {'occupied'|'free'|'unknown'} State
 * @typedef {'single'|'grid'|'settle'} Mode
 * @typedef {[number, number]} Point
 *
 * @typedef {object} Question    is this bay occupied?
 * @property {string} item       its name
 * @property {string} frame      name of the picture
 * @property {[number, number]} image_wh
 * @property {string} bay
 * @property {Point[]} polygon   outline in the picture, fractions of it
 * @property {Point[]} outline   outline in the crop, fractions of it
 * @property {Point[][]} others  outlines of neighbours in the crop
 * @property {State} suggestion
 * @property {number} prob       of occupied, by the network
 * @property {boolean|null} label
 * @property {string[]} reasons
 * @property {string} place
 * @property {string} time
 * @property {{reviewer: string, state: State}[]} votes
 * @property {State} [was]       what was answered before it was undone
 *
 * @typedef {object} Progress
 * @property {number} asked
 * @property {number} answered
 * @property {number} left       for this reviewer
 * @property {number} mine
 * @property {number} corrected
 * @property {number} skipped
 * @property {number} disputed
 * @property {number|null} per_minute
 *
 * @typedef {object} Entry       the answers of one screen
 * @property {string} id
 * @property {string} reviewer
 * @property {Mode} mode
 * @property {number} spent_s
 * @property {{item: string, state: State}[]} answers
 *
 * @typedef {object} Screen      what takes answers
 * @property {HTMLElement} element
 * @property {readonly Question[]} questions
 * @property {(e: KeyboardEvent) => boolean} key  whether it took the key
 * @property {() => void} shown  called once it stands in the page
 */
export {};
