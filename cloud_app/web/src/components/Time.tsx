import { signal } from '@preact/signals';
import { ago, dayAndTime, fullTime } from '../i18n/format';

/** Now, moving on by itself while the tab is seen. */
export const nowMs = signal(Date.now());
setInterval(() => {
  if (!document.hidden) nowMs.value = Date.now();
}, 10_000);

interface TimeProps {
  at: string;
  /** Of the site. */
  zone?: string | null;
}

/** How long ago, with the moment as a title. */
export const Ago = ({ at, zone }: TimeProps) => (
  <time class="num nowrap" dateTime={at} title={fullTime(at, zone)}>
    {ago(at, nowMs.value)}
  </time>
);

/** Day and time. */
export const At = ({ at, zone }: TimeProps) => (
  <time class="num nowrap" dateTime={at} title={fullTime(at, zone)}>
    {dayAndTime(at, zone)}
  </time>
);
