import { ChevronRight } from 'lucide-preact';
import { type ComponentChildren, Fragment } from 'preact';
import { useEffect } from 'preact/hooks';

interface PageProps {
  title: string;
  /** Where this page lies: from the top to above it. */
  above?: readonly { label: string; href: string }[];
  /** Right of the title. */
  tools?: ComponentChildren;
  children: ComponentChildren;
}

/** A page with its title, in the document's title as well. */
export function Page({ title, above = [], tools, children }: PageProps) {
  useTitle(title);
  return (
    <div class="page">
      <div class="page-head">
        <div class="grow">
          {above.length > 0 && (
            <nav class="crumbs" aria-label="breadcrumbs">
              {above.map(({ label, href }, i) => (
                <Fragment key={href}>
                  {i > 0 && <ChevronRight size={14} aria-hidden="true" />}
                  <a href={href}>{label}</a>
                </Fragment>
              ))}
            </nav>
          )}
          <h1>{title}</h1>
        </div>
        {tools}
      </div>
      {children}
    </div>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · lotsight` : 'lotsight';
  }, [title]);
}
