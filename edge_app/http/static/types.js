/**
 * What the box's API answers, from its OpenAPI document (`npm run types`).
 *
 * @typedef {import('../../../build/types/box.js').components['schemas']} Schemas
 * @typedef {Schemas['BayView']} Bay
 * @typedef {Schemas['BayEvidence']} Evidence
 * @typedef {Schemas['CameraView']} Camera
 * @typedef {Schemas['ChangeView']} Change
 * @typedef {Schemas['IncidentView']} Incident
 * @typedef {Schemas['LaneView']} Lane
 * @typedef {Schemas['Alarm']} Alarm
 * @typedef {Schemas['CameraAudit']} Audit
 * @typedef {Schemas['SensorReport']} Sensor
 * @typedef {Schemas['SourcesReport']} Sources
 * @typedef {Schemas['GateReport']} Gate
 * @typedef {Schemas['StatusView']} Status
 * @typedef {Omit<Status, 'editor'|'login'|'csrf'>} Report  the event stream's `status`
 */
export {};
