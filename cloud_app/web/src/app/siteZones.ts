/** The time zones of all sites, for every page. */

import { useEffect } from 'preact/hooks';
import { api, ask } from '../api/client';
import { useData } from '../api/useData';
import { zones } from '../i18n/zones';

export function useSiteZones(): void {
  const { data } = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  useEffect(() => {
    if (data) zones.value = Object.fromEntries(data.map(({ site, time_zone }) => [site, time_zone]));
  }, [data]);
}
