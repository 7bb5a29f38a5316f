import { useEffect, useRef } from 'preact/hooks';
import type { UnmetLot } from '../../api/types';
import { FONT, type MapLibreMap, MapView } from '../../components/MapView';
import type { GeoJSONSource } from '../../components/maplibre';
import { t } from '../../i18n';
import { token } from '../../theme/theme';
import { boxOf } from '../registry/outline';
import { pointsOf } from './planning';

/** Where demand is unmet: the larger the circle, the more of it. */
export function UnmetMap({ lots }: { lots: readonly UnmetLot[] }) {
  const map = useRef<MapLibreMap>();
  const data = pointsOf(lots);
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    map.current?.getSource<GeoJSONSource>('unmet')?.setData(data);
  }, [lots]);
  const draw = (made: MapLibreMap) => {
    map.current = made;
    made.addSource('unmet', { type: 'geojson', data: latest.current });
    made.addLayer({
      id: 'unmet',
      type: 'circle',
      source: 'unmet',
      paint: { 'circle-radius': ['get', 'size'], 'circle-opacity': 0.65, 'circle-stroke-width': 1.5 },
    });
    made.addLayer({
      id: 'unmet-name',
      type: 'symbol',
      source: 'unmet',
      layout: { 'text-field': ['get', 'title'], 'text-font': FONT, 'text-size': 12 },
    });
    return () => {
      const colour = token('--bad');
      made.setPaintProperty('unmet', 'circle-color', [
        'case',
        ['get', 'known'],
        colour,
        token('--full-none'),
      ]);
      made.setPaintProperty('unmet', 'circle-stroke-color', token('--surface'));
      made.setPaintProperty('unmet-name', 'text-color', token('--ink'));
    };
  };
  const placed = lots.flatMap(({ location }) => (location ? [[...location] as [number, number]] : []));
  return (
    <div class="unmet-map">
      <MapView label={t('planning.map')} draw={draw} bounds={boxOf(placed)} maxZoom={17} />
    </div>
  );
}
