import { Badge } from '@mantine/core';
import type { ReactNode } from 'react';

/** A word about something, on a tint that says how it is; the word itself has the contrast of any text (WCAG 1.4.3). */
export function Tag({ tone = 'gray', children }: { tone?: string; children: ReactNode }) {
  return (
    <Badge variant="light" color={tone} c="var(--mantine-color-text)" tt="none">
      {children}
    </Badge>
  );
}
