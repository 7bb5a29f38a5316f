/**
 * The words that the editor's modules share. Points are in pixels of the picture, y down; only
 * `model/wire.js` knows the file's fractions.
 *
 * @typedef {[number, number]} Point
 *
 * @typedef {object} Bay
 * @property {string} uid      of this editing session; ids may be edited, so they cannot serve
 * @property {string} id
 * @property {Point[]} points
 * @property {string} kind
 * @property {string} angle
 * @property {string|null} zone
 * @property {string|null} level
 * @property {Point[]|null} groundQuad
 *
 * @typedef {object} ImportChoice   what a person says of a file to import
 * @property {string} format
 * @property {string} item           which picture of several in the file
 * @property {string[]} categories   labels of the bays
 * @property {string} box            size of a bay in pixels, 107x48
 * @property {boolean} stretch       drawn on the same view in another shape
 *
 * @typedef {object} Gate      what a counted line says beside its points
 * @property {'left'|'right'} inSide  where the lot lies, walking from the first point to the last
 * @property {string|null} lot
 * @property {string|null} level
 * @property {string[]} classes  those counted; none: all vehicles
 *
 * @typedef {object} Region    a part of the picture: a privacy mask, a watched area, a counted line
 * @property {string} uid
 * @property {'mask'|'area'|'line'} kind
 * @property {string} name      one of each kind; a line's is the id of its gate
 * @property {Point[]} points
 * @property {Gate|null} gate   of a line
 *
 * @typedef {Bay|Region} Outline  what is selected, moved and reshaped on the picture
 *
 * @typedef {object} Lot
 * @property {string} name
 * @property {{lat_deg: number, lon_deg: number}|null} location
 * @property {string} street
 * @property {string[]} levels
 *
 * @typedef {object} Doc        what is edited; never changed in place
 * @property {readonly Bay[]} bays
 * @property {readonly Region[]} regions
 * @property {Lot} lot
 * @property {boolean} newReference  whether saving takes the present picture as the reference
 * @property {readonly Proposal[]} proposals  bays that were found and await a decision
 *
 * @typedef {object} Row        a row of bays that is being laid out
 * @property {Point[]} corners  4 when complete: start, along the row, across, back
 * @property {boolean} turned  the person has chosen which way the row runs
 * @property {number} count     bays along the row
 * @property {1|2} lines        2: two rows back to back
 * @property {number} split     depth of the first line of two, share of all
 * @property {number} skew      slant of the dividers, in widths of a bay
 * @property {boolean} herringbone  the second line leans the other way
 * @property {number[]|null} dividers  inner dividers as fractions of the row; null: even
 * @property {string} pattern   id of the first bay
 * @property {number} step      from one id to the next
 * @property {string} skip      numbers that are left out, as "4,13,20-29"
 * @property {boolean} reverse  number from the far end
 * @property {boolean} snake    the second line is numbered backwards
 * @property {string} kind
 * @property {string|null} zone
 * @property {string|null} level
 *
 * @typedef {object} Proposal
 * @property {string} uid
 * @property {Point[]} points
 * @property {number} confidence
 * @property {string} group
 *
 * @typedef {object} Compare
 * @property {string} title
 * @property {Doc} doc
 * @property {number|null} revision
 *
 * @typedef {object} Align
 * @property {Point[][]} polygons  in the order of the document's bays
 * @property {(Point[]|null)[]} groundQuads
 * @property {Region[]} regions
 * @property {string} verdict
 * @property {boolean} accepted
 * @property {number} inliers
 * @property {number} errorPx
 * @property {number} shiftPx
 *
 * What the server answers, from its OpenAPI document (`npm run types`):
 * @typedef {import('../../../../build/types/editor.js').components['schemas']} Schemas
 * @typedef {Schemas['SessionView']} Session
 * @typedef {Schemas['RevisionView']} Revision
 * @typedef {Schemas['JudgedBay']} LiveState
 * @typedef {Schemas['Finding'] & {at: Point|null}} Finding
 */
export {};
