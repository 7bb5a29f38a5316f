/**
 * A MapLibre map on the operator's base map, or on a plain ground of our own: colour, grid, scale. No
 * other host is asked.
 *
 * `draw` adds layers once the map is there and gives back how to colour them; it is called again
 * when the theme changes. Text is drawn with the page's own font.
 */

import { MapPinOff } from 'lucide-preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { language, t } from '../i18n';
import { isDark, token } from '../theme/theme';
import { baseMap } from './baseMap';
import { type Box, graticule } from './graticule';
import type { GeoJSONSource, MapLibreMap, StyleSpecification } from './maplibre';
import { coarseWhileMoved, drawsInSoftware } from './resolution';
import { Notice } from './states';
import './map.css';

export type { MapLibreMap };
/** Sets the colours of layers; called after each change of theme. */
export type Recolour = () => void;

interface MapViewProps {
  label: string;
  /** Whether the address keeps centre and zoom. */
  hasHash?: boolean;
  draw: (map: MapLibreMap) => Recolour;
  /** To begin with, unless the address says otherwise. */
  bounds?: Box | undefined;
  maxZoom?: number;
}

export const FONT = ['Inter'];
const FIT = { padding: 40, maxZoom: 21 };
const corners = ({ west, south, east, north }: Box): [number, number, number, number] => [
  west,
  south,
  east,
  north,
];
/** With its colours from the start: a map whose code still loads is not to be black. */
const style = (): StyleSpecification => ({
  version: 8,
  sources: { grid: { type: 'geojson', data: { type: 'FeatureCollection', features: [] } } },
  layers: [
    { id: 'ground', type: 'background', paint: { 'background-color': token('--map-ground') } },
    {
      id: 'grid',
      type: 'line',
      source: 'grid',
      paint: { 'line-width': 1, 'line-color': token('--map-grid') },
    },
  ],
});

const load = () => import('./maplibre');
/** Begin to load the map's code, while the data is on its way. */
export const preloadMap = () => {
  load().catch(() => undefined);
  void baseMap();
};

export function MapView({ label, hasHash = false, draw, bounds, maxZoom = 21 }: MapViewProps) {
  const holder = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<MapLibreMap>();
  const [isBroken, setBroken] = useState(false);
  const latestDraw = useRef(draw);
  latestDraw.current = draw;
  const recolour = useRef<Recolour>();
  const latestBounds = useRef(bounds);
  latestBounds.current = bounds;
  const placed = useRef(false);

  useEffect(() => {
    let made: MapLibreMap | undefined;
    let isGone = false;
    const begin = async () => {
      const maplibre = await load();
      await document.fonts.load('600 14px Inter').catch(() => undefined);
      if (isGone || !holder.current) return;
      // Before MapLibre writes it.
      const isTold = hasHash && location.hash.split('/').length >= 3;
      const first = isTold ? undefined : latestBounds.current;
      placed.current = isTold || first !== undefined;
      made = new maplibre.MapLibreMap({
        container: holder.current,
        style: style(),
        hash: hasHash,
        ...(first && { bounds: corners(first), fitBoundsOptions: FIT }),
        attributionControl: false,
        dragRotate: false,
        pitchWithRotate: false,
        touchPitch: false,
        maxZoom,
        minZoom: 1,
        fadeDuration: 120,
        locale: {
          'Map.Title': label,
          'NavigationControl.ZoomIn': t('map.zoomIn'),
          'NavigationControl.ZoomOut': t('map.zoomOut'),
        },
      });
      made.touchZoomRotate.disableRotation();
      made.keyboard.disableRotation();
      made.addControl(new maplibre.NavigationControl({ showCompass: false }), 'top-right');
      made.addControl(new maplibre.ScaleControl({ maxWidth: 120 }), 'bottom-left');
      if (drawsInSoftware(made.getCanvas())) coarseWhileMoved(made);
      const ready = made;
      ready.once('load', () => {
        const stopGrid = keepGrid(ready);
        const paint = latestDraw.current(ready);
        let paintBase = () => {};
        recolour.current = () => {
          ready.setPaintProperty('ground', 'background-color', token('--map-ground'));
          ready.setPaintProperty('grid', 'line-color', token('--map-grid'));
          paintBase();
          paint();
        };
        recolour.current();
        setMap(ready);
        void (async () => {
          const base = await baseMap();
          if (!base || isGone) return;
          stopGrid();
          ready.addControl(new maplibre.AttributionControl({ compact: true }), 'bottom-left');
          paintBase = () => base(ready, 'grid', FONT);
          paintBase();
        })().catch(() => undefined);
      });
    };
    begin().catch(() => setBroken(true));
    return () => {
      isGone = true;
      made?.remove();
    };
  }, []);

  useEffect(() => {
    if (map && bounds && !placed.current) {
      placed.current = true;
      map.fitBounds(corners(bounds), { ...FIT, animate: false });
    }
  }, [map, bounds]);
  useEffect(() => recolour.current?.(), [isDark.value]);

  if (isBroken) {
    return (
      <Notice title={t('map.broken')} icon={MapPinOff}>
        <p>{t('map.brokenHint')}</p>
      </Notice>
    );
  }
  return <div class="map" ref={holder} data-ready={map ? 'true' : 'false'} lang={language.value} />;
}

/** Draw the grid for what is seen, each time it comes to rest; gives back how to end that. */
function keepGrid(map: MapLibreMap): () => void {
  const redraw = () => {
    const seen = map.getBounds();
    const box = {
      west: seen.getWest(),
      south: seen.getSouth(),
      east: seen.getEast(),
      north: seen.getNorth(),
    };
    map.getSource<GeoJSONSource>('grid')?.setData(graticule(box));
  };
  map.on('moveend', redraw);
  redraw();
  return () => {
    map.off('moveend', redraw);
    map.getSource<GeoJSONSource>('grid')?.setData({ type: 'FeatureCollection', features: [] });
  };
}
