import type { Campaign } from '../../api/types';
import { t, word } from '../../i18n';
import { count } from '../../i18n/format';
import { sharesOf, sizeOf, toneOf } from './campaigns';
import './campaigns.css';

/** How many boxes stand where, as a bar and in words. */
export function Progress({ campaign }: { campaign: Campaign }) {
  const shares = sharesOf(campaign);
  return (
    <div class="campaign-progress">
      <div class="campaign-shares" aria-hidden="true">
        {shares.map(({ state, share }) => (
          <span key={state} class={toneOf(state)} style={{ flexGrow: share }} />
        ))}
      </div>
      <span class="sub">
        {shares.map(({ state, boxes }) => `${count(boxes)} ${word('boxState', state)}`).join(' · ')}
        {' · '}
        {t('campaigns.ofBoxes', { n: count(sizeOf(campaign)) })}
      </span>
    </div>
  );
}
