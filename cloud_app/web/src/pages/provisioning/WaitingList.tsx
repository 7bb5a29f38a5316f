import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { WaitingBox } from '../../api/types';
import { useData } from '../../api/useData';
import { toast, toastError } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Confirm } from '../../components/Confirm';
import { type Column, DataList } from '../../components/DataList';
import { Ago } from '../../components/Time';
import type { ListQuery } from '../../components/useListQuery';
import { t, word } from '../../i18n';
import { ApproveDialog } from './ApproveDialog';
import { BOX_TONES, textOfBox } from './provisioning';

/** Boxes that came without a code. */
export function WaitingList({ query }: { query: ListQuery }) {
  const boxes = useData<readonly WaitingBox[]>('provisioning boxes', (signal) =>
    ask(api.GET('/api/v1/provisioning/boxes', { signal })),
  );
  const [coming, setComing] = useState<WaitingBox>();
  const [going, setGoing] = useState<WaitingBox>();
  const refuse = async (box: WaitingBox) => {
    setGoing(undefined);
    try {
      const path = { fingerprint: box.fingerprint };
      await ask(api.POST('/api/v1/provisioning/boxes/{fingerprint}/refusal', { params: { path } }));
      toast(t('provisioning.refused'), 'good');
    } catch (error) {
      toastError(error);
    }
    boxes.reload();
  };
  return (
    <>
      <DataList
        label={word('provisioningView', 'boxes')}
        of={boxes}
        query={query}
        columns={columns(setComing, setGoing)}
        rowKey={({ fingerprint }) => fingerprint}
        filters={[
          {
            id: 'state',
            label: t('alerts.state'),
            options: Object.keys(BOX_TONES).map((value) => ({ value, label: word('waitingState', value) })),
          },
        ]}
        text={textOfBox}
        match={(box, { state }) => !state || box.state === state}
        empty={{ title: t('provisioning.nobodyWaits'), hint: t('provisioning.nobodyWaitsHint') }}
      />
      {coming && (
        <ApproveDialog
          box={coming}
          onDone={() => {
            setComing(undefined);
            boxes.reload();
          }}
        />
      )}
      {going && (
        <Confirm
          title={t('provisioning.refuseTitle')}
          text={t('provisioning.refuseHint', { fingerprint: going.fingerprint })}
          action={t('provisioning.refuse')}
          onConfirm={() => refuse(going)}
          onClose={() => setGoing(undefined)}
        />
      )}
    </>
  );
}

function columns(
  onApprove: (box: WaitingBox) => void,
  onRefuse: (box: WaitingBox) => void,
): Column<WaitingBox>[] {
  return [
    {
      id: 'fingerprint',
      head: t('provisioning.fingerprint'),
      phone: 'title',
      cell: ({ fingerprint }) => <code class="fingerprint">{fingerprint}</code>,
    },
    {
      id: 'state',
      head: t('alerts.state'),
      cell: ({ state, decided_by }) => (
        <>
          <span class={`badge ${BOX_TONES[state]}`}>{word('waitingState', state)}</span>
          {decided_by && <span class="sub">{decided_by}</span>}
        </>
      ),
      sort: ({ state }) => state,
    },
    {
      id: 'edge',
      head: t('provisioning.box'),
      cell: ({ edge, site, note }) => (
        <>
          {edge ?? <span class="soft">{t('provisioning.noName')}</span>}
          <span class="sub">{[site, note].filter(Boolean).join(', ')}</span>
        </>
      ),
      sort: ({ edge }) => edge ?? '',
    },
    { id: 'address', head: t('provisioning.address'), cell: ({ address }) => address },
    {
      id: 'last',
      head: t('provisioning.asked'),
      cell: ({ last }) => <Ago at={last} />,
      sort: ({ last }) => Date.parse(last),
    },
    {
      id: 'do',
      head: t('alerts.actions'),
      isNumber: true,
      cell: (box) =>
        box.state === 'pending' && (
          <span class="row-buttons">
            <Button
              size="small"
              tone="primary"
              aria-label={t('provisioning.approveOne', { fingerprint: box.fingerprint })}
              onClick={() => onApprove(box)}
            >
              {t('provisioning.approve')}
            </Button>
            <Button
              size="small"
              aria-label={t('provisioning.refuseOne', { fingerprint: box.fingerprint })}
              onClick={() => onRefuse(box)}
            >
              {t('provisioning.refuse')}
            </Button>
          </span>
        ),
    },
  ];
}
