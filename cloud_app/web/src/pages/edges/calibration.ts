/** Calibrations edited from afar, without markup: what became of a revision, how a fetch goes on. */

import type { CalibrationNow, CalibrationRevision } from '../../api/types';
import { isOpen } from './device';

export const editorUrl = (edge: string, camera: string) =>
  `/calibrate/${encodeURIComponent(edge)}/?${new URLSearchParams({ camera })}`;

export const calibrationUrl = (edge: string, camera: string) =>
  `/edges/${encodeURIComponent(edge)}/cameras/${encodeURIComponent(camera)}/calibration`;

/** Whether a box has yet to say what it does with a revision. */
export const isRolling = ({ status }: CalibrationRevision) => status === 'QUEUED' || status === 'IN_PROGRESS';

/** Whether the box has a revision, or had it. */
export const isUsed = ({ status }: CalibrationRevision) => status === null || status === 'SUCCEEDED';

export const revisionTone = (revision: CalibrationRevision) =>
  isUsed(revision) ? 'good' : isRolling(revision) ? 'info' : revision.status === 'CANCELED' ? 'warn' : 'bad';

/** How far a fetch is: the calibration comes first, its image after. */
export function fetchStep({ calibration, image, newest }: FetchOf): FetchStep {
  if (!calibration || !image || isOpen(calibration.state) || isOpen(image.state)) return 'waiting';
  if (calibration.state !== 'done') return 'failed';
  if (image.state === 'done') return 'ready';
  return newest === null ? 'failed' : 'withoutImage';
}

export type FetchStep = 'waiting' | 'failed' | 'withoutImage' | 'ready';
type FetchOf = Pick<CalibrationNow, 'calibration' | 'image' | 'newest'>;
