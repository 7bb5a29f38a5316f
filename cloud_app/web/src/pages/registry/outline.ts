/** Points and outlines as a form holds them, without a map. */

export type Position = readonly [lon: number, lat: number];

/** The point of `lat, lon`; null where there is none yet. */
export function pointOf(text: string): Position | null {
  const [lat, lon, ...more] = text
    .trim()
    .split(/[,;\s]+/)
    .map(Number);
  if (
    lat === undefined ||
    lon === undefined ||
    more.length ||
    !Number.isFinite(lat) ||
    !Number.isFinite(lon)
  ) {
    return null;
  }
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null;
}

const DIGITS = 7;
export const placeText = ([lon, lat]: Position) => `${lat.toFixed(DIGITS)}, ${lon.toFixed(DIGITS)}`;

/** The corners of an outline that is one plain polygon; null where it is more, or cannot be read. */
export function cornersOf(text: string): Position[] | null {
  if (!text.trim()) return [];
  try {
    const { type, coordinates } = JSON.parse(text) as { type?: string; coordinates?: Position[][] };
    if (type !== 'Polygon' || coordinates?.length !== 1) return null;
    return coordinates[0]?.slice(0, -1) ?? null;
  } catch {
    return null;
  }
}

/** The outline of corners; empty while they are too few. */
export function outlineText(corners: readonly Position[]): string {
  const [first] = corners;
  if (!first || corners.length < 3) return '';
  const rounded = [...corners, first].map((corner) => corner.map((n) => Number(n.toFixed(DIGITS))));
  return JSON.stringify({ type: 'Polygon', coordinates: [rounded] });
}

/** A window around what is known, or none. */
export function boxOf(points: readonly Position[]) {
  if (!points.length) return undefined;
  const [lons, lats] = [points.map(([lon]) => lon), points.map(([, lat]) => lat)];
  const margin = 0.0005;
  return {
    west: Math.min(...lons) - margin,
    south: Math.min(...lats) - margin,
    east: Math.max(...lons) + margin,
    north: Math.max(...lats) + margin,
  };
}
