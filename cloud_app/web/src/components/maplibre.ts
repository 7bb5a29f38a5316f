/** MapLibre with its worker at an address of ours, as the pages' policy wants it. */

import { setWorkerUrl } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';
import 'maplibre-gl/dist/maplibre-gl.css';

setWorkerUrl(workerUrl);

export {
  AttributionControl,
  addProtocol,
  type ExpressionSpecification,
  type GeoJSONSource,
  type LayerSpecification,
  LngLatBounds,
  Map as MapLibreMap,
  type MapGeoJSONFeature,
  NavigationControl,
  ScaleControl,
  type SourceSpecification,
  type StyleSpecification,
} from 'maplibre-gl';
