/** What campaigns' pages work out. */

import type { BoxState, Campaign, CampaignState } from '../../api/types';

/** The order in which boxes are shown and stand in the bar. */
export const BOX_STATES: readonly BoxState[] = [
  'done',
  'returned',
  'running',
  'returning',
  'queued',
  'pending',
  'failed',
  'stuck',
  'cancelled',
];

const TONES: Partial<Record<BoxState, string>> = {
  done: 'good',
  returned: 'warn',
  running: 'busy',
  returning: 'busy',
  queued: 'busy',
  failed: 'bad',
  stuck: 'bad',
};

export function toneOf(state: BoxState): string {
  return TONES[state] ?? '';
}

const CAMPAIGN_TONES: Partial<Record<CampaignState, string>> = {
  running: 'good',
  paused: 'warn',
  stopped: 'bad',
};

export function campaignTone(state: CampaignState): string {
  return CAMPAIGN_TONES[state] ?? '';
}

/** How many boxes a campaign has. */
export function sizeOf({ boxes }: Campaign): number {
  return Object.values(boxes).reduce((sum, each) => sum + (each ?? 0), 0);
}

/** Shares of the bar, in the order in which they stand; none is empty. */
export function sharesOf(campaign: Campaign): { state: BoxState; share: number; boxes: number }[] {
  const size = sizeOf(campaign);
  return BOX_STATES.flatMap((state) => {
    const boxes = campaign.boxes[state] ?? 0;
    return boxes ? [{ state, boxes, share: boxes / size }] : [];
  });
}

/** Names of files, apart by commas or spaces. */
export function filesOf(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** Settings written as JSON: sections and what is in them. Throws a SyntaxError where they are none. */
export function settingsOf(text: string): Record<string, unknown> {
  const found: unknown = JSON.parse(text);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new SyntaxError('expected an object');
  }
  return found as Record<string, unknown>;
}
