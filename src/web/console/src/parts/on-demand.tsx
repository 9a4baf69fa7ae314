import { type ReactNode, Suspense, useState } from 'react';

/** A button whose menu comes when it is first pressed; until then, and while it comes, the button alone is there. */
export function OnDemand({
  button,
  children,
}: {
  button: (onClick: () => void) => ReactNode;
  /** With the same button, opened from the start. */
  children: ReactNode;
}) {
  const [isWanted, setWanted] = useState(false);
  const alone = button(() => setWanted(true));
  return isWanted ? <Suspense fallback={alone}>{children}</Suspense> : alone;
}
