import type { LucideIcon } from 'lucide-preact';
import type { ComponentChildren, JSX } from 'preact';

interface Look {
  tone?: 'primary' | 'danger' | 'plain';
  quiet?: boolean;
  size?: 'small' | 'normal';
  icon?: LucideIcon;
}
type ButtonProps = Look &
  Omit<JSX.HTMLAttributes<HTMLButtonElement>, 'icon' | 'size'> & {
    type?: 'button' | 'submit';
    disabled?: boolean;
  };

const classes = ({ tone = 'plain', quiet, size }: Look, ...more: string[]) =>
  ['button', tone === 'plain' ? '' : tone, quiet ? 'quiet' : '', size === 'small' ? 'small' : '', ...more]
    .filter(Boolean)
    .join(' ');

export function Button({ tone, quiet, size, icon: Icon, children, class: more, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} class={classes(look(tone, quiet, size), String(more ?? ''))}>
      {Icon && <Icon size={16} aria-hidden="true" />}
      {children}
    </button>
  );
}

/** A link that looks like a button; `download` for files. */
export function ButtonLink({
  tone,
  quiet,
  size,
  icon: Icon,
  children,
  ...rest
}: Look & {
  href: string;
  download?: boolean | string;
  children?: ComponentChildren;
  'aria-label'?: string;
}) {
  return (
    <a {...rest} class={classes(look(tone, quiet, size))}>
      {Icon && <Icon size={16} aria-hidden="true" />}
      {children}
    </a>
  );
}

/** A button that is an icon; `label` says what it does. */
export function IconButton({
  label,
  icon: Icon,
  tone,
  quiet,
  size,
  ...rest
}: ButtonProps & { label: string; icon: LucideIcon }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      class={classes(look(tone, quiet, size), 'icon')}
    >
      <Icon size={18} aria-hidden="true" />
    </button>
  );
}

const look = (tone: Look['tone'], quiet: boolean | undefined, size: Look['size']): Look => ({
  ...(tone && { tone }),
  ...(quiet && { quiet }),
  ...(size && { size }),
});
