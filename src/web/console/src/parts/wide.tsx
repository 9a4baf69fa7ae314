import type { ReactNode } from 'react';

/** What may be wider than the window, or higher than it should be: it scrolls by itself, with the keys too, and its name is said. */
export function Wide({
  label,
  maxHeight,
  isBusy,
  role = 'region',
  children,
}: {
  label: string;
  maxHeight?: number;
  isBusy?: boolean;
  /** A group where a page has several of one name. */
  role?: 'region' | 'group';
  children: ReactNode;
}) {
  // What is hidden from sight in it is placed by it, or it would make the page as wide as what scrolls here.
  const style = { overflow: 'auto', maxHeight, position: 'relative' } as const;
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: the role, whichever it is, takes a name
    <div role={role} aria-label={label} aria-busy={isBusy} tabIndex={0} style={style}>
      {children}
    </div>
  );
}
