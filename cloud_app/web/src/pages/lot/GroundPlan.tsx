import { useEffect, useRef } from 'preact/hooks';
import { STATES } from '../../components/counts';
import type { Box } from '../../components/graticule';
import { FONT, type MapLibreMap, MapView, type Recolour } from '../../components/MapView';
import type { ExpressionSpecification } from '../../components/maplibre';
import { t } from '../../i18n';
import { token } from '../../theme/theme';
import type { LotBay } from './bays';
import type { PlanProps } from './PlanView';

/** Bays on the ground, north up. States are set without loading the shapes again. */
export function GroundPlan({ bays, selected, onPick }: PlanProps) {
  const map = useRef<MapLibreMap>();
  const latest = useRef({ bays, selected, onPick });
  latest.current = { bays, selected, onPick };
  const bounds = useRef(boundsOf(bays));

  const update = () => {
    const { current } = map;
    if (!current) return;
    for (const { key, state, ground } of latest.current.bays) {
      if (ground)
        current.setFeatureState(
          { source: 'bays', id: key },
          { state, isSelected: key === latest.current.selected },
        );
    }
  };
  useEffect(update, [bays, selected]);

  const begin = (made: MapLibreMap): Recolour => {
    map.current = made;
    made.addSource('bays', { type: 'geojson', data: shapes(latest.current.bays), promoteId: 'key' });
    made.addLayer({ id: 'bay', type: 'fill', source: 'bays' });
    made.addLayer({ id: 'bay-edge', type: 'line', source: 'bays' });
    made.addLayer({
      id: 'bay-label',
      minzoom: 18.7,
      type: 'symbol',
      source: 'bays',
      layout: { 'text-field': ['get', 'label'], 'text-font': FONT, 'text-size': 11, 'text-optional': true },
    });
    made.on('click', 'bay', (event) => {
      const key: unknown = event.features?.[0]?.properties.key;
      if (typeof key === 'string') latest.current.onPick(key);
    });
    made.on('mouseenter', 'bay', () => {
      made.getCanvas().style.cursor = 'pointer';
    });
    made.on('mouseleave', 'bay', () => {
      made.getCanvas().style.cursor = '';
    });
    update();
    return () => recolour(made);
  };
  return (
    <div class="ground-plan">
      <MapView label={t('lot.planTitle')} draw={begin} bounds={bounds.current} maxZoom={23} />
    </div>
  );
}

/** By the state of a bay. */
const byState = (colours: Readonly<Record<string, string>>): ExpressionSpecification =>
  [
    'match',
    ['coalesce', ['feature-state', 'state'], 'unknown'],
    ...Object.entries(colours).flat(),
    colours.unknown,
  ] as unknown as ExpressionSpecification;

const IS_SELECTED: ExpressionSpecification = ['boolean', ['feature-state', 'isSelected'], false];

function recolour(map: MapLibreMap): void {
  const fills = Object.fromEntries(STATES.map((state) => [state, token(`--${state}`)]));
  // A line of the ground's colour keeps neighbours apart.
  const ground = token('--map-ground');
  map.setPaintProperty('bay', 'fill-color', byState({ ...fills, free: token('--free-fill') }));
  map.setPaintProperty(
    'bay',
    'fill-opacity',
    byStateNumber({ free: 1, occupied: 0.92, unknown: 0.35, stale: 0.25, closed: 0.85 }),
  );
  map.setPaintProperty('bay-edge', 'line-color', [
    'case',
    IS_SELECTED,
    token('--accent'),
    byState({ ...fills, occupied: ground, closed: ground }),
  ]);
  map.setPaintProperty('bay-edge', 'line-width', ['case', IS_SELECTED, 4, 1.5]);
  map.setPaintProperty(
    'bay-label',
    'text-color',
    byState({ ...inks(), occupied: '#ffffff', closed: '#ffffff' }),
  );
}

const inks = () => Object.fromEntries(STATES.map((state) => [state, token('--ink')]));
const byStateNumber = (numbers: Readonly<Record<string, number>>) =>
  byState(numbers as unknown as Record<string, string>);

function shapes(bays: readonly LotBay[]): GeoJSON.FeatureCollection {
  const features = bays.flatMap(({ key, label, ground }): GeoJSON.Feature[] => {
    if (!ground) return [];
    const ring = [...ground, ground[0]].map((corner) => [...(corner as readonly number[])]);
    return [
      { type: 'Feature', properties: { key, label }, geometry: { type: 'Polygon', coordinates: [ring] } },
    ];
  });
  return { type: 'FeatureCollection', features };
}

function boundsOf(bays: readonly LotBay[]): Box | undefined {
  const corners = bays.flatMap(({ ground }) => ground ?? []);
  if (!corners.length) return undefined;
  const [lons, lats] = [corners.map(([lon]) => lon), corners.map(([, lat]) => lat)];
  return {
    west: Math.min(...lons),
    south: Math.min(...lats),
    east: Math.max(...lons),
    north: Math.max(...lats),
  };
}
