/** Routes that the document does not hold yet; goes away when it does. */

import type { components, paths } from '#types';

type Schemas = components['schemas'];

export interface Hit {
  kind: 'lot' | 'site' | 'edge' | 'bay' | 'zone';
  key: string;
  name: string | null;
  site: string | null;
  lot: string | null;
  point: number[] | null;
}

export interface LotProperties {
  site: string;
  lot: string;
  name: string | null;
  point: number[] | null;
  bays: number;
  occupied: number;
  free: number;
  unknown: number;
  stale: number;
  closed: number;
  occupancy: number | null;
  on_street: boolean | null;
  state: 'live' | 'stale' | 'part';
}

export interface LotFeatures {
  type: 'FeatureCollection';
  features: { type: 'Feature'; geometry: Record<string, unknown> | null; properties: LotProperties }[];
  truncated: boolean;
}

export interface PlanBay {
  edge: string;
  bay: string;
  camera: string;
  level: string | null;
  zone: string | null;
  kind: string;
  angle: string;
  ground: number[][] | null;
  picture: number[][] | null;
  label: string;
}

export interface Plan {
  site: string;
  lot: string;
  name: string | null;
  time_zone: string | null;
  levels: string[];
  bays: PlanBay[];
}

export interface Overview {
  lots: number;
  bays: number;
  counts: Schemas['Counts'];
  occupancy: number | null;
  edges: { online: number; stale: number };
  alerts: { open: number };
  incidents_open: number;
}

interface Get<Q, P, T> {
  get: {
    parameters: { query?: Q; path?: P };
    responses: { 200: { headers: Record<string, unknown>; content: { 'application/json': T } } };
  };
}

interface LotPath {
  site: string;
  lot: string;
}

export type AllPaths = Omit<paths, '/api/v1/lots/{site}/{lot}/bays'> & {
  '/api/v1/search': Get<{ q: string; limit?: number }, undefined, Hit[]>;
  '/api/v1/map/lots': Get<{ bbox: string; limit?: number }, undefined, LotFeatures>;
  '/api/v1/overview': Get<undefined, undefined, Overview>;
  '/api/v1/lots/{site}/{lot}/plan': Get<undefined, LotPath, Plan>;
  '/api/v1/lots/{site}/{lot}/bays': Get<{ at?: string }, LotPath, Schemas['BayNow'][]>;
};
