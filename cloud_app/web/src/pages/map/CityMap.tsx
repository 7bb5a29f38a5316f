import { useEffect, useRef } from 'preact/hooks';
import type { Box } from '../../components/graticule';
import { type MapLibreMap, MapView, type Recolour } from '../../components/MapView';
import type { GeoJSONSource } from '../../components/maplibre';
import { t } from '../../i18n';
import { draw, mark, show } from './layers';
import { boundsOf, type MapLot } from './lots';

interface CityMapProps {
  /** Of which the window to begin with is taken. */
  all: readonly MapLot[];
  /** What the filters leave. */
  lots: readonly MapLot[];
  /** The lot with a ring. */
  marked: string;
  onView: (seen: Box) => void;
  /** A lot was clicked, or (null) the ground. */
  onPick: (key: string | null) => void;
}

export function CityMap({ all, lots, marked, onView, onPick }: CityMapProps) {
  const map = useRef<MapLibreMap>();
  const latest = useRef({ lots, onPick, onView });
  latest.current = { lots, onPick, onView };
  const first = useRef<Box>();
  first.current ??= boundsOf(all);
  const isLate = useRef(false);

  const update = () => {
    const made = map.current;
    if (!made) return;
    // New data is clustered and laid out anew: frames of a move would wait for it.
    isLate.current = made.isMoving();
    if (!isLate.current) show(made, latest.current.lots);
  };
  useEffect(update, [lots]);
  useEffect(() => {
    if (map.current) mark(map.current, marked);
  }, [marked]);

  const begin = (made: MapLibreMap): Recolour => {
    const recolour = draw(made);
    map.current = made;
    update();
    made.on('moveend', () => {
      if (isLate.current) update();
    });
    const tellView = () => {
      const seen = made.getBounds();
      latest.current.onView({
        west: seen.getWest(),
        south: seen.getSouth(),
        east: seen.getEast(),
        north: seen.getNorth(),
      });
    };
    made.on('moveend', tellView);
    tellView();
    made.on('click', (event) => void click(made, event.point, latest.current.onPick));
    for (const layer of ['lot', 'outline']) {
      made.on('mouseenter', layer, () => {
        made.getCanvas().style.cursor = 'pointer';
      });
      made.on('mouseleave', layer, () => {
        made.getCanvas().style.cursor = '';
      });
    }
    return recolour;
  };
  return <MapView label={t('map.title')} hasHash draw={begin} bounds={first.current} />;
}

/** A cluster opens, a lot is picked. */
async function click(
  map: MapLibreMap,
  at: { x: number; y: number },
  onPick: (key: string | null) => void,
): Promise<void> {
  const [hit] = map.queryRenderedFeatures([at.x, at.y], { layers: ['lot', 'outline'] });
  if (!hit) {
    onPick(null);
    return;
  }
  const { cluster_id: cluster, key } = hit.properties as { cluster_id?: number; key?: string };
  if (cluster === undefined) {
    onPick(key ?? null);
    return;
  }
  const zoom = await map.getSource<GeoJSONSource>('lots')?.getClusterExpansionZoom(cluster);
  const { coordinates } = hit.geometry as GeoJSON.Point;
  map.easeTo({ center: coordinates as [number, number], zoom: (zoom ?? map.getZoom() + 2) + 0.2 });
}
