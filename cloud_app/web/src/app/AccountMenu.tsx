import { LogIn, LogOut, Settings } from 'lucide-preact';
import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { Button, ButtonLink } from '../components/Button';
import { Segments, Select } from '../components/Field';
import { LANGUAGES, type Language, language, setLanguage, t } from '../i18n';
import { THEMES, type Theme, theme } from '../theme/theme';
import { access, logOut } from './session';
import { toastError } from './toasts';

/** Language and theme. */
export function Preferences() {
  return (
    <>
      <div class="preference">
        <span>{t('settings.theme')}</span>
        <Segments<Theme>
          label={t('settings.theme')}
          value={theme.value}
          options={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
          onChange={(value) => {
            theme.value = value;
          }}
        />
      </div>
      <div class="preference">
        <span aria-hidden="true">{t('settings.language')}</span>
        <Select
          label={t('settings.language')}
          hideLabel
          value={language.value}
          options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
          onChange={(value) => void setLanguage(value as Language)}
        />
      </div>
    </>
  );
}

const initials = (name: string) =>
  name
    .split(/\s+/)
    .map((part) => part[0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase();

export function AccountMenu() {
  const { path } = useLocation();
  const menu = useRef<HTMLDetailsElement>(null);
  const who = access.value;
  const person = who?.session ?? null;
  const name = person?.name ?? (who?.kind === 'anonymous' ? t('account.anonymous') : (who?.name ?? ''));

  useEffect(() => {
    menu.current?.removeAttribute('open');
  }, [path]);
  useEffect(() => {
    const shut = (event: Event) => {
      const outside =
        event instanceof KeyboardEvent
          ? event.key === 'Escape'
          : !menu.current?.contains(event.target as Node);
      if (outside) menu.current?.removeAttribute('open');
    };
    document.addEventListener('pointerdown', shut);
    document.addEventListener('keydown', shut);
    return () => {
      document.removeEventListener('pointerdown', shut);
      document.removeEventListener('keydown', shut);
    };
  }, []);

  return (
    <details class="menu" ref={menu}>
      <summary class="avatar" aria-label={t('account.menu', { name })}>
        {initials(name)}
      </summary>
      <div class="sheet">
        <p class="strong clip">{name}</p>
        {person && <p class="soft small clip">{person.email}</p>}
        <hr />
        <Preferences />
        <hr />
        <ButtonLink href="/settings" quiet icon={Settings}>
          {t('nav.settings')}
        </ButtonLink>
        {who?.kind === 'anonymous' ? (
          <ButtonLink href="/login" quiet icon={LogIn}>
            {t('login.submit')}
          </ButtonLink>
        ) : (
          <Button quiet icon={LogOut} onClick={() => logOut().catch(toastError)}>
            {t('account.logOut')}
          </Button>
        )}
      </div>
    </details>
  );
}
