import { api, ask } from '../../api/client';
import type { Dwell, DwellGroup } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Scroller } from '../../components/Form';
import { Loaded } from '../../components/states';
import { t, word } from '../../i18n';
import { count, fixed, span } from '../../i18n/format';

const FIVE_MINUTES_S = 300;

/** How long vehicles stayed in the last day. */
export function DwellCard({ site, lot }: { site: string; lot: string }) {
  const dwell = useData<Dwell>(
    `dwell ${site}/${lot}`,
    (signal) => ask(api.GET('/api/v1/lots/{site}/{lot}/dwell', { params: { path: { site, lot } }, signal })),
    { everyS: FIVE_MINUTES_S },
  );
  return (
    <Card title={t('dwell.title')} flush>
      <Loaded of={dwell}>{(found) => <Summary dwell={found} />}</Loaded>
    </Card>
  );
}

function Summary({ dwell }: { dwell: Dwell }) {
  const { all, zones, kinds, turnover_per_day: turnover } = dwell;
  if (!all.count && !all.lasting) return <p class="body soft">{t('dwell.none')}</p>;
  const groups: [string, DwellGroup][] = [
    [t('dwell.all'), all],
    ...(zones.length > 1
      ? zones.map((group): [string, DwellGroup] => [
          group.name ? t('lot.zoneOf', { zone: group.name }) : t('lot.noZone'),
          group,
        ])
      : []),
    ...(kinds.length > 1
      ? kinds.map((group): [string, DwellGroup] => [word('bayKind', group.name), group])
      : []),
  ];
  return (
    <Scroller>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">
              <span class="sr-only">{t('dwell.group')}</span>
            </th>
            {(['stays', 'median', 'mean', 'p90', 'longest'] as const).map((head) => (
              <th key={head} scope="col" class="end">
                {t(`dwell.${head}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.map(([name, group]) => (
            <Group key={name} name={name} group={group} />
          ))}
        </tbody>
      </table>
      {turnover !== null && <p class="small soft note">{t('dwell.turnover', { n: fixed(turnover, 1) })}</p>}
    </Scroller>
  );
}

function Group({ name, group }: { name: string; group: DwellGroup }) {
  const length = (seconds: number | null) => (seconds === null ? '–' : span(seconds));
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="end num">
        {count(group.count)}
        {group.lasting > 0 && <small class="soft"> {t('dwell.lasting', { n: group.lasting })}</small>}
      </td>
      <td class="end num strong">{length(group.median_s)}</td>
      <td class="end num">{length(group.mean_s)}</td>
      <td class="end num">{length(group.p90_s)}</td>
      <td class="end num">{length(group.longest_s)}</td>
    </tr>
  );
}
