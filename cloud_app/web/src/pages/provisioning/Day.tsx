import { language } from '../../i18n';
import { fullTime } from '../../i18n/format';

/** A day with its year: certificates hold for years. */
export const Day = ({ at }: { at: string }) => (
  <time dateTime={at} title={fullTime(at)}>
    {new Date(at).toLocaleDateString(language.value, { dateStyle: 'medium' })}
  </time>
);
