import { FULL_FROM } from '../../components/counts';
import { t } from '../../i18n';

/** What the colours of the map mean. */
export function Scale() {
  return (
    <div class="scale" role="img" aria-label={t('map.scaleLabel')}>
      <span>{t('map.scale')}</span>
      <ol>
        {FULL_FROM.map((from, i) => (
          <li key={from} style={{ background: `var(--full-${i})` }} />
        ))}
      </ol>
      <span class="ends num">
        {FULL_FROM.map((from) => (
          <span key={from}>{Math.round(from * 100)}</span>
        ))}
      </span>
    </div>
  );
}
