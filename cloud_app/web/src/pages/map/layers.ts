/** How lots are drawn: a circle with the number of free bays, coloured by how full; clusters far off. */

import { FULL_FROM } from '../../components/counts';
import { FONT, type MapLibreMap, type Recolour } from '../../components/MapView';
import type { ExpressionSpecification, GeoJSONSource } from '../../components/maplibre';
import { token } from '../../theme/theme';
import { type MapLot, outlinesOf, pointsOf } from './lots';

const KNOWN: ExpressionSpecification = ['+', ['get', 'occupied'], ['get', 'free']];
const SHARE: ExpressionSpecification = ['/', ['get', 'occupied'], KNOWN];

/** By how full something is: one of five, or the last where nothing is known. */
function byFullness(values: readonly string[], unknown: string): ExpressionSpecification {
  const steps = FULL_FROM.slice(1).flatMap((from, i) => [from, values[i + 1] as string]);
  const step = ['step', SHARE, values[0], ...steps] as unknown as ExpressionSpecification;
  return ['case', ['==', KNOWN, 0], unknown, step];
}

const INK = { light: '#ffffff', dark: '#10181f' };

export function draw(map: MapLibreMap): Recolour {
  const none: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };
  map.addSource('outlines', { type: 'geojson', data: none, promoteId: 'key' });
  map.addSource('lots', {
    type: 'geojson',
    data: none,
    cluster: true,
    clusterRadius: 42,
    clusterMaxZoom: 14,
    clusterProperties: {
      occupied: ['+', ['get', 'occupied']],
      free: ['+', ['get', 'free']],
      bays: ['+', ['get', 'bays']],
    },
  });
  map.addLayer({ id: 'outline', type: 'fill', source: 'outlines', minzoom: 13 });
  map.addLayer({
    id: 'outline-edge',
    type: 'line',
    source: 'outlines',
    minzoom: 13,
    paint: { 'line-width': 1.5 },
  });
  map.addLayer({ id: 'marked', type: 'circle', source: 'lots', filter: ['==', ['get', 'key'], ''] });
  map.addLayer({ id: 'lot', type: 'circle', source: 'lots' });
  map.addLayer({
    id: 'free',
    type: 'symbol',
    source: 'lots',
    layout: {
      'text-field': ['case', ['==', KNOWN, 0], '–', ['to-string', ['get', 'free']]],
      'text-font': FONT,
      'text-size': ['interpolate', ['linear'], ['get', 'bays'], 20, 11.5, 2000, 14],
      'text-allow-overlap': true,
      'text-ignore-placement': true,
    },
  });
  map.addLayer({
    id: 'name',
    type: 'symbol',
    source: 'lots',
    minzoom: 12.5,
    filter: ['!', ['has', 'point_count']],
    layout: {
      'text-field': ['get', 'title'],
      'text-font': FONT,
      'text-size': 12,
      'text-anchor': 'top',
      'text-offset': [0, 1.7],
      'text-max-width': 9,
      'text-optional': true,
    },
  });
  return () => recolour(map);
}

/** Larger for more bays: by the area of the circle. */
const radius = (more: number): ExpressionSpecification => [
  'interpolate',
  ['linear'],
  ['sqrt', ['get', 'bays']],
  3,
  13 + more,
  15,
  18 + more,
  60,
  28 + more,
  150,
  36 + more,
];

function recolour(map: MapLibreMap): void {
  const fills = FULL_FROM.map((_, i) => token(`--full-${i}`));
  const unknown = token('--full-none');
  const surface = token('--surface');
  map.setPaintProperty('outline', 'fill-color', byFullness(fills, unknown));
  map.setPaintProperty('outline', 'fill-opacity', 0.22);
  map.setPaintProperty('outline-edge', 'line-color', byFullness(fills, unknown));
  map.setPaintProperty('lot', 'circle-radius', radius(0));
  map.setPaintProperty('lot', 'circle-color', byFullness(fills, surface));
  map.setPaintProperty('lot', 'circle-stroke-width', ['case', ['has', 'point_count'], 4, 2]);
  map.setPaintProperty('lot', 'circle-stroke-color', ['case', ['==', KNOWN, 0], unknown, surface]);
  map.setPaintProperty('marked', 'circle-radius', radius(5));
  map.setPaintProperty('marked', 'circle-color', token('--accent'));
  const { light, dark } = INK;
  map.setPaintProperty('free', 'text-color', byFullness([light, dark, dark, dark, light], token('--soft')));
  map.setPaintProperty('name', 'text-color', token('--ink'));
  map.setPaintProperty('name', 'text-halo-color', token('--map-ground'));
  map.setPaintProperty('name', 'text-halo-width', 1.5);
}

export function show(map: MapLibreMap, lots: readonly MapLot[]): void {
  map.getSource<GeoJSONSource>('lots')?.setData(pointsOf(lots));
  map.getSource<GeoJSONSource>('outlines')?.setData(outlinesOf(lots));
}

/** Put a ring around a lot; an empty key takes it away. */
export const mark = (map: MapLibreMap, key: string) => map.setFilter('marked', ['==', ['get', 'key'], key]);
