/** What the API answers, by the names of its document. */

import type { components } from '#types';

type Schemas = components['schemas'];
export type Access = Schemas['AccessNow'];
export type Counts = Schemas['Counts'];
export type Lot = Schemas['LotNow'];
export type Bay = Schemas['BayNow'];
export type Stay = Schemas['Stay'];
export type SeriesPoint = Schemas['SeriesPoint'];
export type Dwell = Schemas['DwellSummary'];
export type DwellGroup = Schemas['DwellGroup'];
export type Edge = Schemas['EdgeNow'];
export type Alert = Schemas['AlertItem'];
export type Incident = Schemas['IncidentItem'];
export type Session = Schemas['SessionNow'];
export type LoginWays = Schemas['LoginWays'];
export type Permission = Schemas['Permission'];
export type Hit = Schemas['SearchHit'];
export type LotFeatures = Schemas['MapLots'];
export type LotProperties = Schemas['MapLot'];
export type Overview = Schemas['Overview'];
export type Plan = Schemas['LotPlan'];
export type PlanBay = Schemas['PlanBay'];
export type AlertDetail = Schemas['AlertDetail'];
export type AlertLogEntry = Schemas['AlertLogEntry'];
export type AlertState = Schemas['AlertState'];
export type Severity = Schemas['Severity'];
export type IncidentKind = Schemas['IncidentKind'];
export type Gap = Schemas['GapItem'];
export type EdgeHealth = Schemas['EdgeHealth'];
