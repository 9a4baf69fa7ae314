import { Badge } from '@mantine/core';
import type { ReactNode } from 'react';

/** A word about something, on a tint that says how it is; the word itself has the contrast of any text (WCAG 1.4.3). */
export function Tag({
  tone = 'gray',
  isWhole,
  children,
}: {
  tone?: string;
  /** In a table that scrolls: a narrow column would cut it short. */
  isWhole?: true;
  children: ReactNode;
}) {
  return (
    <Badge
      variant="light"
      color={tone}
      c="var(--mantine-color-text)"
      tt="none"
      {...(isWhole ? { miw: 'max-content' } : {})}
    >
      {children}
    </Badge>
  );
}
