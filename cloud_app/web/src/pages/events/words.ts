/** What an event was, in words. */

import type { EventItem } from '../../api/types';
import { t, word } from '../../i18n';

export function whatOf({ kind, bay, cause, reason }: EventItem): string {
  if (kind === 'changed') return t('lot.bayOf', { bay: bay ?? '' });
  if (kind === 'incident') {
    // An incident's event has its kind as the cause, and a reason once it is over.
    const what = word('incident', cause ?? '');
    return reason ? t('event.incidentOver', { what }) : t('event.incidentBegins', { what });
  }
  return word('eventKind', kind);
}
