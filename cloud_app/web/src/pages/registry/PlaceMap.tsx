/** Where a thing lies, by clicks on the map: its point, or the corners of its outline. */

import { Undo2, X } from 'lucide-preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { useData } from '../../api/useData';
import { Button } from '../../components/Button';
import { Segments } from '../../components/Field';
import { type MapLibreMap, MapView } from '../../components/MapView';
import type { GeoJSONSource } from '../../components/maplibre';
import { t } from '../../i18n';
import { token } from '../../theme/theme';
import { boxOf, cornersOf, outlineText, type Position, placeText, pointOf } from './outline';

const WORLD = '-180,-85,180,85';

interface Props {
  place: string;
  /** Null: this kind has none. */
  outline: string | null;
  onPlace: (text: string) => void;
  onOutline: (text: string) => void;
}

export function PlaceMap({ place, outline, onPlace, onOutline }: Props) {
  const [mode, setMode] = useState<'place' | 'outline'>('place');
  const known = outline === null ? null : cornersOf(outline);
  // Fewer than three corners are no outline yet, but must be seen.
  const [begun, setBegun] = useState<readonly Position[]>([]);
  const corners = known?.length ? known : begun;
  const point = pointOf(place);
  const map = useRef<MapLibreMap>();
  const [bounds] = useState(() => boxOf([...(point ? [point] : []), ...corners]));

  const put = (next: readonly Position[]) => {
    setBegun(next);
    onOutline(outlineText(next));
  };
  const click = useRef<(at: Position) => void>();
  click.current = (at) => (mode === 'place' ? onPlace(placeText(at)) : put([...corners, at]));

  const lots = useData(bounds ? null : 'lots of the map', (signal) =>
    ask(api.GET('/api/v1/map/lots', { params: { query: { bbox: WORLD, limit: 500 } }, signal })),
  );
  const around = boxOf(lots.data?.features.map(({ properties }) => properties.point) ?? []);

  const data = features(point, corners);
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    map.current?.getSource<GeoJSONSource>('thing')?.setData(data);
  }, [place, outline, begun]);

  const draw = (made: MapLibreMap) => {
    map.current = made;
    made.addSource('thing', { type: 'geojson', data: latest.current });
    made.addLayer({
      id: 'area',
      type: 'fill',
      source: 'thing',
      filter: ['==', ['geometry-type'], 'Polygon'],
    });
    made.addLayer({
      id: 'edge',
      type: 'line',
      source: 'thing',
      filter: ['!=', ['geometry-type'], 'Point'],
      paint: { 'line-width': 2 },
    });
    made.addLayer({
      id: 'points',
      type: 'circle',
      source: 'thing',
      filter: ['==', ['geometry-type'], 'Point'],
      paint: { 'circle-radius': ['get', 'size'], 'circle-stroke-width': 2 },
    });
    made.getCanvas().style.cursor = 'crosshair';
    made.on('click', ({ lngLat }) => click.current?.([lngLat.lng, lngLat.lat]));
    return () => {
      const accent = token('--accent');
      made.setPaintProperty('area', 'fill-color', accent.replace('rgb(', 'rgba(').replace(')', ', 0.2)'));
      made.setPaintProperty('edge', 'line-color', accent);
      made.setPaintProperty('points', 'circle-color', accent);
      made.setPaintProperty('points', 'circle-stroke-color', token('--surface'));
    };
  };

  return (
    <div class="place-map">
      <div class="row wrap">
        {outline !== null && (
          <Segments
            label={t('registry.onMap')}
            value={mode}
            options={[
              { value: 'place', label: t('registry.setPoint') },
              { value: 'outline', label: t('registry.setOutline') },
            ]}
            onChange={setMode}
          />
        )}
        {mode === 'outline' && (
          <>
            <Button
              size="small"
              icon={Undo2}
              disabled={!corners.length}
              onClick={() => put(corners.slice(0, -1))}
            >
              {t('registry.lastCorner')}
            </Button>
            <Button size="small" icon={X} disabled={!corners.length} onClick={() => put([])}>
              {t('list.clear')}
            </Button>
          </>
        )}
        <span class="soft small">{t(mode === 'place' ? 'registry.pointHint' : 'registry.cornerHint')}</span>
      </div>
      <div class="place-holder">
        <MapView label={t('registry.onMap')} draw={draw} bounds={bounds ?? around} />
      </div>
    </div>
  );
}

function features(point: Position | null, corners: readonly Position[]): GeoJSON.FeatureCollection {
  const feature = (geometry: GeoJSON.Geometry, size = 0): GeoJSON.Feature => ({
    type: 'Feature',
    properties: { size },
    geometry,
  });
  const [first] = corners;
  const ring = corners.map((corner) => [...corner]);
  return {
    type: 'FeatureCollection',
    features: [
      ...(first && corners.length > 2
        ? [feature({ type: 'Polygon', coordinates: [[...ring, [...first]]] })]
        : corners.length > 1
          ? [feature({ type: 'LineString', coordinates: ring })]
          : []),
      ...ring.map((coordinates) => feature({ type: 'Point', coordinates }, 4)),
      ...(point ? [feature({ type: 'Point', coordinates: [...point] }, 8)] : []),
    ],
  };
}
