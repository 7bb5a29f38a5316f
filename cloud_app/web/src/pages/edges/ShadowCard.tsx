/** The shadows of a box: what is desired, what it reports, where the two differ. */

import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { ShadowNow } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Segments } from '../../components/Field';
import { Scroller } from '../../components/Form';
import { Loaded, Notice } from '../../components/states';
import { t } from '../../i18n';
import { shadowRows } from './device';

const NAMES = ['config', 'model'] as const;
type Name = (typeof NAMES)[number];

export function ShadowCard({ edge }: { edge: string }) {
  const [name, setName] = useState<Name>('config');
  const shadow = useData<ShadowNow | null>(
    `shadow ${edge} ${name}`,
    async (signal) => {
      const params = { path: { edge }, query: { name } };
      try {
        return await ask(api.GET('/api/v1/edges/{edge}/shadow', { params, signal }));
      } catch (error) {
        // A box that never spoke of it has none.
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
    { everyS: 30 },
  );
  return (
    <Card
      title={t('device.shadow')}
      flush
      tools={
        <Segments<Name>
          label={t('device.shadow')}
          value={name}
          options={NAMES.map((value) => ({ value, label: t(`device.shadow.${value}`) }))}
          onChange={setName}
        />
      }
    >
      <Loaded of={shadow}>{(found) => <Rows shadow={found} />}</Loaded>
    </Card>
  );
}

function Rows({ shadow }: { shadow: ShadowNow | null }) {
  const rows = shadow ? shadowRows(shadow.document) : [];
  if (!shadow || !rows.length) return <Notice title={t('device.noShadow')} />;
  return (
    <>
      <Scroller>
        <table class="plain shadow">
          <thead>
            <tr>
              <th scope="col">{t('device.field')}</th>
              <th scope="col">{t('device.desired')}</th>
              <th scope="col">{t('device.reported')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ path, desired, reported, differs }) => (
              <tr key={path}>
                <th scope="row">
                  <code>{path}</code>
                  {differs && <span class="badge warn"> {t('device.differs')}</span>}
                </th>
                <td class="num">{desired ?? '–'}</td>
                <td class="num">{reported ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
      <p class="soft small card-foot">
        {t('device.version', { n: String(shadow.document.version ?? '–') })}
        {shadow.stale && ` · ${t('device.staleShadow')}`}
      </p>
    </>
  );
}
