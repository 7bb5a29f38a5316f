/** Light, dark, or as the system has it; remembered in this browser. */

import { computed, effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

const system = matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(system.matches);
system.addEventListener('change', (event) => {
  systemIsDark.value = event.matches;
});

const kept = localStorage.getItem('theme');
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'auto');

/** What is to be seen now; maps and charts draw their own colours by it. */
export const isDark = computed(
  () => theme.value === 'dark' || (theme.value === 'auto' && systemIsDark.value),
);

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'auto') delete root.dataset.theme;
  else root.dataset.theme = theme.value;
  root.dataset.dark = String(isDark.value);
  localStorage.setItem('theme', theme.value);
});

/** A colour of the style sheet, for canvases. Read after a change of theme has been applied. */
export function token(name: `--${string}`): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
