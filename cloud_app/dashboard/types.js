/**
 * What the API answers, from its OpenAPI document (`npm run types`).
 *
 * @typedef {import('../../build/types/cloud.js').components['schemas']} Schemas
 * @typedef {Schemas['Counts']} Counts
 * @typedef {Schemas['LotNow']} Lot
 * @typedef {Schemas['BayNow']} Bay
 * @typedef {Schemas['Stay']} Stay
 * @typedef {Schemas['SeriesPoint']} SeriesPoint
 * @typedef {Schemas['DwellSummary']} Dwell
 * @typedef {Schemas['EdgeNow']} Edge
 * @typedef {Schemas['EventItem']} EventItem
 * @typedef {Schemas['AlertItem']} Alert
 * @typedef {Schemas['IncidentItem']} Incident
 *
 * @typedef {'occupied'|'free'|'unknown'|'stale'|'closed'} State  what a page shows of a bay
 */
export {};
