/** What a rule would have done: asked before it is switched on. */

import { FlaskConical } from 'lucide-preact';
import { useState } from 'preact/hooks';
import { ApiError, api, ask } from '../../api/client';
import type { DryRunResult, RuleSpec } from '../../api/types';
import { Button } from '../../components/Button';
import { Select } from '../../components/Field';
import { faultText } from '../../components/states';
import { At } from '../../components/Time';
import { t, tn, word } from '../../i18n';
import { count } from '../../i18n/format';

const DAYS = [1, 7, 14, 31];

export function DryRun({ tenant, spec }: { tenant: string; spec: () => RuleSpec }) {
  const [days, setDays] = useState(7);
  const [result, setResult] = useState<DryRunResult>();
  const [fault, setFault] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    setFault(undefined);
    try {
      // A rule that is tried needs no name yet.
      const rule = { ...spec(), name: spec().name || t('rules.new') };
      setResult(await ask(api.POST('/api/v1/rules/dry-run', { body: { tenant, days, rule } })));
    } catch (error) {
      setResult(undefined);
      setFault(error instanceof ApiError ? faultText(error) : String(error));
    }
    setBusy(false);
  };
  return (
    <section class="rule-trial" aria-label={t('rules.try')}>
      <div class="row">
        <Select
          label={t('rules.tryDays')}
          hideLabel
          value={String(days)}
          options={DAYS.map((n) => ({ value: String(n), label: tn('rules.lastDays', n) }))}
          onChange={(value) => setDays(Number(value))}
        />
        <Button icon={FlaskConical} disabled={isBusy} onClick={run}>
          {t('rules.try')}
        </Button>
      </div>
      <div aria-live="polite">
        {fault && <p class="banner rounded bad">{fault}</p>}
        {result && <Result result={result} />}
      </div>
    </section>
  );
}

function Result({ result }: { result: DryRunResult }) {
  const { fired, keys, examples, fault, whole, basis, looked_at, start, end } = result;
  return (
    <>
      <p class="strong">
        {fired ? `${tn('rules.wouldFire', fired)} ${tn('rules.atKeys', keys)}` : t('rules.wouldNot')}
      </p>
      <p class="hint">
        {t('rules.basis', { n: count(looked_at), what: word('ruleBasis', basis) })} <At at={start} /> –{' '}
        <At at={end} />
        {!whole && ` ${t('rules.notWhole')}`}
      </p>
      {fault && <p class="banner rounded bad">{t('rules.wouldStop', { fault })}</p>}
      {examples.length > 0 && (
        <ul class="rule-examples">
          {examples.map(({ at, site, key, text }) => (
            <li key={`${at} ${site} ${key}`}>
              <At at={at} /> <span>{text}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
