import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { NewCode } from '../../api/types';
import { Button } from '../../components/Button';
import { Dialog } from '../../components/Dialog';
import { Field } from '../../components/Field';
import { Secret } from '../../components/Secret';
import { Fault, faultText } from '../../components/states';
import { At } from '../../components/Time';
import { t } from '../../i18n';
import { BoxFields } from './BoxFields';

/** Make a one-time code; it is shown this once. */
export function CodeDialog({ hours, onDone }: { hours: number; onDone: () => void }) {
  const [site, setSite] = useState('');
  const [edge, setEdge] = useState('');
  const [life, setLife] = useState(String(hours));
  const [fault, setFault] = useState<string>();
  const [made, setMade] = useState<NewCode>();
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      const body = { site: site.trim(), ...(edge.trim() && { edge: edge.trim() }), hours: Number(life) };
      setMade(await ask(api.POST('/api/v1/provisioning/codes', { body })));
    } catch (error) {
      setFault(faultText(error));
    }
  };
  if (made) return <Made made={made} onDone={onDone} />;
  return (
    <Dialog title={t('provisioning.makeCode')} onClose={onDone}>
      <form class="form" onSubmit={make}>
        <BoxFields site={site} edge={edge} onSite={setSite} onEdge={setEdge} isOptional />
        <Field
          label={t('provisioning.hours')}
          type="number"
          min="0.1"
          max="8760"
          step="any"
          required
          value={life}
          onInput={(event: Event) => setLife((event.currentTarget as HTMLInputElement).value)}
        />
        <Fault text={fault} />
        <footer>
          <Button onClick={onDone}>{t('action.cancel')}</Button>
          <Button type="submit" tone="primary">
            {t('provisioning.makeCode')}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

function Made({ made, onDone }: { made: NewCode; onDone: () => void }) {
  return (
    <Dialog title={t('provisioning.code')} onClose={onDone}>
      <div class="form">
        <p>{t('provisioning.codeHint')}</p>
        <Secret text={made.code} label={t('provisioning.code')} />
        <p class="soft">
          {t('provisioning.ends')} <At at={made.made.ends} />
        </p>
        <p>{t('provisioning.onTheBox')}</p>
        <Secret text={made.command} label={t('provisioning.command')} />
        <footer>
          <Button tone="primary" onClick={onDone}>
            {t('keys.kept')}
          </Button>
        </footer>
      </div>
    </Dialog>
  );
}
