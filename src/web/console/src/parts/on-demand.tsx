import { cloneElement, type ReactElement, type ReactNode, Suspense, useState } from 'react';

/** What a button is told as long as it stands alone; what opens tells the rest itself. */
interface AloneProps {
  readonly onClick?: () => void;
  readonly 'aria-haspopup'?: 'menu' | 'dialog';
  readonly 'aria-expanded'?: boolean;
}

/** A button whose menu comes when it is first pressed; until then, and while it comes, the button alone is there. */
export function OnDemand({
  button,
  opens,
  children,
}: {
  button: ReactElement<AloneProps>;
  opens: 'menu' | 'dialog';
  /** The same button with what it opens, opened from the start. */
  children: (button: ReactElement) => ReactNode;
}) {
  const [isWanted, setWanted] = useState(false);
  const alone = cloneElement(button, {
    onClick: () => setWanted(true),
    'aria-haspopup': opens,
    'aria-expanded': false,
  });
  return isWanted ? <Suspense fallback={alone}>{children(button)}</Suspense> : alone;
}
