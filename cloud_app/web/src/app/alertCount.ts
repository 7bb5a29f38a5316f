/** How many alerts are open, for the navigation. */

import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, ask } from '../api/client';
import { useLive } from '../api/live';

export const openAlerts = signal(0);

async function refresh(): Promise<void> {
  try {
    openAlerts.value = (await ask(api.GET('/api/v1/overview'))).alerts.open;
  } catch {
    // The page itself tells what is wrong with the service.
  }
}

/** Keep `openAlerts` true while the shell is shown. */
export function useOpenAlerts(): void {
  useEffect(() => void refresh(), []);
  useLive(
    {},
    {
      alerts: ({ open }) => {
        openAlerts.value = open;
      },
      resync: () => void refresh(),
    },
  );
}
