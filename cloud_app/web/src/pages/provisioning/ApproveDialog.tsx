import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { WaitingBox } from '../../api/types';
import { toast } from '../../app/toasts';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Fault, faultText } from '../../components/states';
import { t } from '../../i18n';
import { BoxFields } from './BoxFields';

/** Let a box in, once its fingerprint was compared. */
export function ApproveDialog({ box, onDone }: { box: WaitingBox; onDone: () => void }) {
  const [site, setSite] = useState(box.site ?? '');
  const [edge, setEdge] = useState(box.edge ?? '');
  const [fault, setFault] = useState<string>();
  const approve = async (event: Event) => {
    event.preventDefault();
    try {
      const path = { fingerprint: box.fingerprint };
      const body = { site: site.trim(), edge: edge.trim() };
      await ask(api.POST('/api/v1/provisioning/boxes/{fingerprint}/approval', { params: { path }, body }));
      toast(t('provisioning.approved', { edge: body.edge }), 'good');
      onDone();
    } catch (error) {
      setFault(faultText(error));
    }
  };
  return (
    <Dialog title={t('provisioning.approveTitle')} onClose={onDone}>
      <form class="form" onSubmit={approve}>
        <p>{t('provisioning.compare')}</p>
        <p>
          <code class="fingerprint">{box.fingerprint}</code>
        </p>
        <BoxFields site={site} edge={edge} onSite={setSite} onEdge={setEdge} />
        <Fault text={fault} />
        <footer>
          <Button onClick={onDone}>{t('action.cancel')}</Button>
          <Button type="submit" tone="primary">
            {t('provisioning.approve')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
