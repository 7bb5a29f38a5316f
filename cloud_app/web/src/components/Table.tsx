/** A small table inside a card; lists that are sorted, filtered and exported are `DataList`. */

import type { ComponentChildren } from 'preact';
import { t } from '../i18n';
import { Scroller } from './Form';

interface TableProps {
  heads: readonly string[];
  /** What is in the body: rows. */
  children: ComponentChildren;
}

/** A table whose last column, after `heads`, has the buttons of each row. */
export function ActionTable({ heads, children }: TableProps) {
  return (
    <Scroller>
      <table class="plain">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
            <th scope="col">
              <span class="sr-only">{t('device.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroller>
  );
}
