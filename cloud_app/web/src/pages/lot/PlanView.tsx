/** The bays of a level: on the ground, in the cameras' pictures, as tiles, or as a list. */

import { BayGrid } from './BayGrid';
import { BayList } from './BayList';
import type { LotBay, View } from './bays';
import { GroundPlan } from './GroundPlan';
import { PicturePlan } from './PicturePlan';

export interface PlanProps {
  bays: readonly LotBay[];
  /** Key of the bay whose panel is open. */
  selected: string;
  onPick: (key: string) => void;
}

const SHOWN = { ground: GroundPlan, picture: PicturePlan, grid: BayGrid, list: BayList };

export function PlanView({ view, ...rest }: PlanProps & { view: View }) {
  const Shown = SHOWN[view];
  return <Shown {...rest} />;
}
