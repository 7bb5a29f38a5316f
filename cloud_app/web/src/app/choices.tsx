/** Whose something is, and where it holds: choices that appear where there is more than one. */

import { api, ask } from '../api/client';
import { useData } from '../api/useData';
import { Select } from '../components/Field';
import { Checks } from '../components/Form';
import { t } from '../i18n';

/** Tenants that one may act for; the first one is taken unless another is chosen. */
export function useTenants(chosen: string): { tenant: string; tenants: readonly string[] } {
  const { data = [] } = useData<readonly string[]>('tenants', (signal) =>
    ask(api.GET('/api/v1/tenants', { signal })),
  );
  return { tenant: chosen || data[0] || '', tenants: data };
}

interface TenantSelectProps {
  of: ReturnType<typeof useTenants>;
  onChange: (tenant: string) => void;
}

export function TenantSelect({ of: { tenant, tenants }, onChange }: TenantSelectProps) {
  if (tenants.length < 2) return null;
  return (
    <Select
      label={t('keys.tenant')}
      value={tenant}
      options={tenants.map((value) => ({ value, label: value }))}
      onChange={onChange}
    />
  );
}

interface SitesChecksProps {
  /** None: all of them. */
  values: readonly string[];
  onChange: (sites: string[]) => void;
}

export function SitesChecks({ values, onChange }: SitesChecksProps) {
  const { data = [] } = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  if (data.length < 2) return null;
  return (
    <Checks
      label={t('notifications.sites')}
      hint={t('notifications.anyHint')}
      values={values}
      options={data.map(({ site }) => ({ value: site, label: site }))}
      onChange={onChange}
    />
  );
}
