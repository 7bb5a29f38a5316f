/**
 * What the box's API answers, as far as the pages use it; see docs/http.md.
 *
 * @typedef {'free'|'occupied'|'unknown'} State
 *
 * @typedef {object} Change
 * @property {string} bay
 * @property {string} camera
 * @property {State} state
 * @property {boolean|null} occupied
 * @property {string|null} reason
 * @property {number} confidence
 * @property {string} at
 *
 * @typedef {object} Bay
 * @property {string} id
 * @property {string} camera
 * @property {State} state
 * @property {string|null} reason
 * @property {string} since
 * @property {string} kind
 * @property {boolean} closed
 * @property {[number, number][]} polygon  fractions of the picture
 *
 * @typedef {object} Camera
 * @property {string} id
 * @property {string|null} lot
 * @property {string} condition
 * @property {string} detail
 * @property {number} bays
 * @property {number} occupied
 * @property {number} free
 * @property {number} unknown
 * @property {number} fps
 * @property {number} infer_ms
 * @property {number} frames
 * @property {number} judged
 * @property {number} gated
 * @property {number} dropped
 * @property {number} broken
 * @property {number} restarts
 * @property {number|null} shift_px
 * @property {number|null} calibration_revision
 * @property {string|null} last_frame_utc
 * @property {[number, number]|null} image_wh
 *
 * @typedef {object} Alarm
 * @property {string} kind
 * @property {string|null} camera
 * @property {string} text
 * @property {string} detail
 * @property {string} remedy
 * @property {string} fault
 * @property {boolean} in_editor
 *
 * @typedef {object} Incident
 * @property {string} kind
 * @property {string} camera
 * @property {string[]} bays
 * @property {string|null} area
 * @property {string|null} vehicle
 * @property {string} began
 * @property {number} stood_s
 *
 * @typedef {object} Audit
 * @property {number} accuracy
 * @property {number} low
 * @property {number} high
 * @property {number} looks
 *
 * @typedef {object} Harvest
 * @property {Record<string, number>} frames
 * @property {number} size_bytes
 * @property {number} max_bytes
 * @property {number} kept
 * @property {Record<string, number>} refused
 * @property {Record<string, number>} evicted
 * @property {number} sent
 * @property {number} sent_frames
 * @property {number} sent_bytes
 * @property {number} failed
 * @property {{utc: string, text: string}|null} last_fault
 *
 * @typedef {object} Report
 * @property {string} site
 * @property {string} edge
 * @property {string} version
 * @property {string} now_utc
 * @property {number} uptime_s
 * @property {boolean} editor
 * @property {boolean} login
 * @property {string|null} csrf
 * @property {Alarm[]} alarms
 * @property {string[]} starting
 * @property {Camera[]} cameras
 * @property {Incident[]} incidents
 * @property {Harvest|null} harvest
 * @property {Record<string, Audit|null>} audits
 * @property {{total: number, occupied: number, free: number, unknown: number}} bays
 * @property {string[]} closed_bays
 * @property {{name: string, version: string, sha256: string, method: string}|null} model
 * @property {{broker: string, connected: boolean, protocol: string, sent: number, refused: number}|null} link
 * @property {{rows: number, size_bytes: number, oldest_age_s: number, evicted: number, degraded: boolean}} outbox
 * @property {number|null} disk_free_bytes
 * @property {number|null} memory_bytes
 * @property {number|null} temperature_c
 */
export {};
