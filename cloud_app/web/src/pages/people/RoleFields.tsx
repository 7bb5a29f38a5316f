import { api, ask } from '../../api/client';
import type { RoleAt } from '../../api/types';
import { useData } from '../../api/useData';
import { Loaded } from '../../components/states';
import { t, word } from '../../i18n';
import { rolesOf, sameRole, toggled } from './people';

interface Props {
  roles: readonly RoleAt[];
  onChange: (roles: RoleAt[]) => void;
}

/** Roles at each council and operator where one gives them. */
export function RoleFields({ roles, onChange }: Props) {
  const tenants = useData<readonly string[]>('tenants', (signal) =>
    ask(api.GET('/api/v1/tenants', { signal })),
  );
  return (
    <fieldset class="checks">
      <legend>{t('people.roles')}</legend>
      <Loaded of={tenants}>
        {(found) => (
          <div class="tenants">
            {found.map((tenant) => (
              <fieldset key={tenant} class="checks">
                <legend class="soft">{tenant}</legend>
                <div>
                  {rolesOf(tenant).map((role) => {
                    const here = { tenant, role };
                    return (
                      <label key={role} class="chip">
                        <input
                          type="checkbox"
                          checked={roles.some((each) => sameRole(each, here))}
                          onChange={() => onChange(toggled(roles, here))}
                        />
                        {word('role', role)}
                      </label>
                    );
                  })}
                </div>
              </fieldset>
            ))}
          </div>
        )}
      </Loaded>
    </fieldset>
  );
}
