/** Occupancy over time as the path of an area; it breaks where nothing was known. */

import type { SeriesPoint } from '../../api/types';
import type { TimeSpan } from './times';

interface Size {
  width: number;
  height: number;
}

export function areaPath(
  points: readonly SeriesPoint[],
  { startMs, endMs }: TimeSpan,
  { width, height }: Size,
): string {
  const x = (start: string) => (((Date.parse(start) - startMs) / (endMs - startMs)) * width).toFixed(1);
  const y = (share: number) => (height * (1 - share)).toFixed(1);
  const runs: [string, string][][] = [[]];
  for (const { start, occupancy } of points) {
    if (occupancy === null) runs.push([]);
    else runs.at(-1)?.push([x(start), y(occupancy)]);
  }
  return runs
    .filter((run) => run.length > 1)
    .map(
      (run) =>
        `M${run[0]?.[0]},${height} L${run.map((at) => at.join(',')).join(' L')} L${run.at(-1)?.[0]},${height} Z`,
    )
    .join(' ');
}
