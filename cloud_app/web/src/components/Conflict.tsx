/** Somebody else saved while one typed: both versions, and the choice. Nothing that was typed is lost. */

import { t } from '../i18n';
import { Button } from './Button';
import { Scroller, Stale } from './Form';

export interface Difference {
  label: string;
  mine: string;
  theirs: string;
}

interface ConflictProps {
  differences: readonly Difference[];
  /** Put theirs into the form. */
  onTake: () => void;
}

export function Conflict({ differences, onTake }: ConflictProps) {
  return (
    <Stale text={t('conflict.title')}>
      {differences.length > 0 ? (
        <Scroller>
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">{t('conflict.field')}</th>
                <th scope="col">{t('conflict.mine')}</th>
                <th scope="col">{t('conflict.theirs')}</th>
              </tr>
            </thead>
            <tbody>
              {differences.map(({ label, mine, theirs }) => (
                <tr key={label}>
                  <th scope="row">{label}</th>
                  <td>{mine || '–'}</td>
                  <td>{theirs || '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroller>
      ) : (
        <p>{t('conflict.same')}</p>
      )}
      <p>{t('conflict.hint')}</p>
      <div>
        <Button size="small" onClick={onTake}>
          {t('conflict.take')}
        </Button>
      </div>
    </Stale>
  );
}
