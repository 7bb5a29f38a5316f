import type { ComponentChildren } from 'preact';

interface CardProps {
  title?: string;
  /** At the right end of the title's line. */
  tools?: ComponentChildren;
  /** The content brings its own distances, as a table does. */
  flush?: boolean;
  class?: string;
  children: ComponentChildren;
}

export function Card({ title, tools, flush, class: more = '', children }: CardProps) {
  return (
    <section class={`card ${more}`} aria-label={title}>
      {title && (
        <header>
          <h2>{title}</h2>
          {tools}
        </header>
      )}
      {flush ? children : <div class="body">{children}</div>}
    </section>
  );
}
