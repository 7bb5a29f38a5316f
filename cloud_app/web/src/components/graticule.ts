/** A soft grid of round degrees: the ground of a map that has no base map. */

export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

const STEPS = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];
const LINES_WANTED = 8;

/** The step, in degrees, that gives about eight lines across. */
export function gridStep(span: number): number {
  return STEPS.find((step) => span / step >= LINES_WANTED) ?? 0.0001;
}

/** The grid over a window and as much again on each side, so that panning shows no end. */
export function graticule({ west, south, east, north }: Box): GeoJSON.FeatureCollection {
  const [wide, high] = [east - west, north - south];
  const step = gridStep(wide);
  const [left, right] = [Math.max(-180, west - wide), Math.min(180, east + wide)];
  const [bottom, top] = [Math.max(-85, south - high), Math.min(85, north + high)];
  const lines: GeoJSON.Position[][] = [];
  for (let i = Math.ceil(left / step); i * step <= right; i++)
    lines.push([
      [i * step, bottom],
      [i * step, top],
    ]);
  for (let i = Math.ceil(bottom / step); i * step <= top; i++)
    lines.push([
      [left, i * step],
      [right, i * step],
    ]);
  return {
    type: 'FeatureCollection',
    features: [
      { type: 'Feature', properties: {}, geometry: { type: 'MultiLineString', coordinates: lines } },
    ],
  };
}
