/** The gates of a lot, and when its count was set to the truth. */

import { api, ask } from '../../api/client';
import type { Gate, TrueCount } from '../../api/types';
import { useData } from '../../api/useData';
import { Card } from '../../components/Card';
import { Scroller } from '../../components/Form';
import { Loaded } from '../../components/states';
import { Ago, At } from '../../components/Time';
import { t, word } from '../../i18n';
import { count as number } from '../../i18n/format';
import { thingHref } from '../registry/fields';

interface OfLot {
  site: string;
  lot: string;
  zone: string | null;
}

const HALF_MINUTE_S = 30;
const SHOWN = 10;

export function GatesCard({ site, lot, zone }: OfLot) {
  const gates = useData<readonly Gate[]>(
    `gates ${site}/${lot}`,
    (signal) => ask(api.GET('/api/v1/lots/{site}/{lot}/gates', { params: { path: { site, lot } }, signal })),
    { everyS: HALF_MINUTE_S },
  );
  return (
    <Card title={t('gates.title')} flush>
      <Loaded of={gates}>
        {(found) =>
          found.length ? <Table gates={found} zone={zone} /> : <p class="body soft">{t('gates.none')}</p>
        }
      </Loaded>
    </Card>
  );
}

function Table({ gates, zone }: { gates: readonly Gate[]; zone: string | null }) {
  return (
    <Scroller>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{t('gates.gate')}</th>
            <th scope="col">{t('gates.heard')}</th>
            <th scope="col" class="end">
              {t('gates.in')}
            </th>
            <th scope="col" class="end">
              {t('gates.out')}
            </th>
          </tr>
        </thead>
        <tbody>
          {gates.map((gate) => (
            <tr key={gate.gate}>
              <th scope="row">
                {gate.edge ? (
                  gate.gate
                ) : (
                  <a href={thingHref('devices', gate.gate)}>{gate.name ?? gate.gate}</a>
                )}
                {gate.level && <small class="soft"> {levelsOf(gate, gate.level)}</small>}
                {gate.lost > 0 && <small class="soft"> · {t('gates.lost', { n: number(gate.lost) })}</small>}
              </th>
              <td>
                {gate.heard ? <Ago at={gate.heard} zone={zone} /> : t('gates.never')}
                {gate.silent_since && <span class="badge bad"> {t('gates.silent')}</span>}
              </td>
              <td class="end num">{number(gate.in_today)}</td>
              <td class="end num">{number(gate.out_today)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroller>
  );
}

const levelsOf = ({ level_from: from }: Gate, level: string) =>
  from ? t('gates.levels', { from, level }) : t('gates.level', { level });

export function TrueCountsCard({ site, lot, zone }: OfLot) {
  const found = useData<readonly TrueCount[]>(`true counts ${site}/${lot}`, (signal) =>
    ask(
      api.GET('/api/v1/lots/{site}/{lot}/true-counts', {
        params: { path: { site, lot }, query: { limit: SHOWN } },
        signal,
      }),
    ),
  );
  return (
    <Card title={t('count.history')} flush>
      <Loaded of={found}>
        {(lines) =>
          lines.length ? (
            <ul class="happenings">
              {lines.map((line) => (
                <li key={`${line.at} ${line.cause} ${line.level}`}>
                  <span class="num strong">{number(line.count)}</span>
                  <span class="grow">
                    {word('count.cause', line.cause)}
                    {line.level && <small class="soft"> {t('gates.level', { level: line.level })}</small>}
                    {line.by && <small class="soft"> {t('count.by', { name: line.by })}</small>}
                  </span>
                  {line.drift !== null && (
                    <span class="num soft">{line.drift > 0 ? `+${line.drift}` : line.drift}</span>
                  )}
                  <At at={line.at} zone={zone} />
                </li>
              ))}
            </ul>
          ) : (
            <p class="body soft">{t('count.noHistory')}</p>
          )
        }
      </Loaded>
    </Card>
  );
}
