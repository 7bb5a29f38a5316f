import { api, ask } from '../../api/client';
import { useData } from '../../api/useData';
import { Field } from '../../components/Field';
import { t } from '../../i18n';

const ID = '[A-Za-z0-9][A-Za-z0-9_.\\-]{0,63}';

interface BoxFieldsProps {
  site: string;
  edge: string;
  onSite: (site: string) => void;
  onEdge: (edge: string) => void;
  /** The name may be left to the box. */
  isOptional?: boolean;
}

/** Where a box belongs and what it is called; a site may be new. */
export function BoxFields({ site, edge, onSite, onEdge, isOptional = false }: BoxFieldsProps) {
  const sites = useData('sites', (signal) => ask(api.GET('/api/v1/sites', { signal })));
  const typed = (event: Event) => (event.currentTarget as HTMLInputElement).value;
  return (
    <>
      <Field
        label={t('provisioning.site')}
        required
        pattern={ID}
        list="provisioning-sites"
        value={site}
        onInput={(event: Event) => onSite(typed(event))}
      />
      <datalist id="provisioning-sites">
        {sites.data?.map((each) => (
          <option key={each.site} value={each.site} />
        ))}
      </datalist>
      <Field
        label={t('provisioning.box')}
        hint={t(isOptional ? 'provisioning.nameHint' : 'provisioning.nameNeeded')}
        required={!isOptional}
        pattern={ID}
        value={edge}
        onInput={(event: Event) => onEdge(typed(event))}
      />
    </>
  );
}
