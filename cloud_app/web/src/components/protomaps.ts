/** A PMTiles file as a base map: its source, and Protomaps' layers in the colours of the theme. */

import { layers as layersOf, namedFlavor } from '@protomaps/basemaps';
import { FetchSource, type Header, PMTiles, Protocol, TileType } from 'pmtiles';
import { credentials } from '../api/client';
import type { BaseMap as Told } from '../api/types';
import { language } from '../i18n';
import { isDark } from '../theme/theme';
import type { LayerSpecification, MapLibreMap, SourceSpecification } from './maplibre';
import { addProtocol } from './maplibre';

/** Draws it, or draws it again in the colours of the theme, below the layer `above`. */
export type BaseMap = (map: MapLibreMap, above: string, font: string[]) => void;

const SOURCE = 'base';
const PREFIX = 'base-';
const FORMATS: Partial<Record<TileType, 'vector' | 'raster'>> = {
  [TileType.Mvt]: 'vector',
  [TileType.Png]: 'raster',
  [TileType.Jpeg]: 'raster',
  [TileType.Webp]: 'raster',
};

/** Open a file. @throws {Error} it cannot be read, or has tiles of another kind */
export async function openBaseMap(told: Told): Promise<BaseMap> {
  const file = new PMTiles(
    new FetchSource(new URL(told.url, location.origin).href, new Headers(credentials())),
  );
  const [header, metadata] = await Promise.all([file.getHeader(), file.getMetadata()]);
  const type = FORMATS[header.tileType];
  if (!type) throw new Error(`tiles of kind ${header.tileType}`);
  const protocol = new Protocol();
  protocol.add(file);
  addProtocol('pmtiles', protocol.tile);
  const attribution = told.attribution ?? (metadata as { attribution?: string } | null)?.attribution ?? '';
  const source = sourceOf(type, header, file.source.getKey(), attribution);
  return (map, above, font) => {
    for (const { id } of map.getStyle().layers) if (id.startsWith(PREFIX)) map.removeLayer(id);
    if (!map.getSource(SOURCE)) map.addSource(SOURCE, source);
    for (const layer of type === 'vector' ? vectorLayers(font) : [rasterLayer()]) map.addLayer(layer, above);
  };
}

function sourceOf(
  type: 'vector' | 'raster',
  { minZoom, maxZoom, minLon, minLat, maxLon, maxLat }: Header,
  key: string,
  attribution: string,
): SourceSpecification {
  return {
    type,
    tiles: [`pmtiles://${key}/{z}/{x}/{y}`],
    minzoom: minZoom,
    maxzoom: maxZoom,
    bounds: [minLon, minLat, maxLon, maxLat],
    attribution,
    ...(type === 'raster' && { tileSize: 256 }),
  } as SourceSpecification;
}

const rasterLayer = (): LayerSpecification => ({
  id: `${PREFIX}raster`,
  type: 'raster',
  source: SOURCE,
  // Most pictures of maps are light ones.
  paint: isDark.value ? { 'raster-brightness-max': 0.45, 'raster-saturation': -0.5 } : {},
});

/** Protomaps' style without its icons and fonts, which lie on other hosts. */
export function vectorLayers(font: string[]): LayerSpecification[] {
  const flavor = namedFlavor(isDark.value ? 'dark' : 'light');
  const found = layersOf(SOURCE, flavor, { lang: language.value }) as LayerSpecification[];
  return found.flatMap((layer): LayerSpecification[] => {
    const own = { ...layer, id: PREFIX + layer.id };
    if (own.type !== 'symbol') return [own];
    if (!own.layout?.['text-field']) return [];
    const layout = Object.fromEntries(
      Object.entries(own.layout).filter(([name]) => !name.startsWith('icon-')),
    );
    // Not every file says how important each name is.
    const sorted = layout['symbol-sort-key'] && {
      'symbol-sort-key': ['coalesce', layout['symbol-sort-key'], 0],
    };
    return [{ ...own, layout: { ...layout, ...sorted, 'text-font': font } } as LayerSpecification];
  });
}
