/** Planning without markup: what is asked, and the lots as a map draws them. */

import type { UnmetLot } from '../../api/types';
import type { QueryValues } from '../../components/useListQuery';

export interface Asked {
  bays: number;
  price: number;
  elasticity: number;
}

const number = (text: string | undefined, usual: number) => {
  const found = Number(text ?? '');
  return text && Number.isFinite(found) ? found : usual;
};

/** What the address asks for; what is no number is the usual one. */
export const askedOf = (values: QueryValues): Asked => ({
  bays: Math.round(number(values.bays, 10)),
  price: number(values.price, 1),
  elasticity: number(values.elasticity, -0.3),
});

/** Lots with a place as points; the circle's area goes with the unmet demand. */
export function pointsOf(lots: readonly UnmetLot[]): GeoJSON.FeatureCollection {
  const most = Math.max(1, ...lots.map((lot) => lot.unmet_bay_hours_a_day ?? 0));
  return {
    type: 'FeatureCollection',
    features: lots.flatMap((lot) =>
      lot.location
        ? [
            {
              type: 'Feature' as const,
              geometry: { type: 'Point' as const, coordinates: [...lot.location] },
              properties: {
                title: lot.name ?? lot.lot,
                size: 6 + 22 * Math.sqrt((lot.unmet_bay_hours_a_day ?? 0) / most),
                known: lot.unmet_bay_hours_a_day !== null,
              },
            },
          ]
        : [],
    ),
  };
}
