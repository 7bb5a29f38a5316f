/** The operator's base map below everything else: a PMTiles file that our own service gives out. */

import { api, ask } from '../api/client';
import type { BaseMap } from './protomaps';

let asked: Promise<BaseMap | null> | undefined;

/** The base map, asked for once; null where there is none, or none that can be read. */
export function baseMap(): Promise<BaseMap | null> {
  asked ??= load().catch((error: unknown) => {
    console.info('no base map:', error);
    asked = undefined;
    return null;
  });
  return asked;
}

async function load(): Promise<BaseMap | null> {
  const told = await ask(api.GET('/api/v1/map/base'));
  // The code for it is large, and most have no such file.
  return told && (await import('./protomaps')).openBaseMap(told);
}
