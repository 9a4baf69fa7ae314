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
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: the role, whichever it is, takes a name
    <div role={role} aria-label={label} aria-busy={isBusy} tabIndex={0} style={{ overflow: 'auto', maxHeight }}>
      {children}
    </div>
  );
}
