import { signal } from '@preact/signals';
import { ago, fullTime, siteTime } from '../i18n/format';
import { zoneOf } from '../i18n/zones';

/** Now, moving on by itself while the tab is seen. */
export const nowMs = signal(Date.now());
setInterval(() => {
  if (!document.hidden) nowMs.value = Date.now();
}, 10_000);

interface TimeProps {
  at: string;
  /** Whose time it is: a site, or its time zone; neither: the reader's. */
  site?: string | null | undefined;
  zone?: string | null;
}

/** How long ago, with the moment as a title. */
export const Ago = ({ at, site, zone = zoneOf(site) }: TimeProps) => (
  <time class="num nowrap" dateTime={at} title={fullTime(at, zone)}>
    {ago(at, nowMs.value)}
  </time>
);

/** Day and time. */
export const At = ({ at, site, zone = zoneOf(site) }: TimeProps) => (
  <time class="num nowrap" dateTime={at} title={fullTime(at, zone)}>
    {siteTime(at, zone)}
  </time>
);
