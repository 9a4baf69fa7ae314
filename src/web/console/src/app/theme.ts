import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** A calm teal of our own; every shade from 6 on is readable on white (WCAG AA). */
const brand: MantineColorsTuple = [
  '#e8f6f4',
  '#d3ebe7',
  '#a5d6cf',
  '#74c0b5',
  '#4bada0',
  '#2b8a80',
  '#0f6f66',
  '#0b5e57',
  '#084d47',
  '#043c38',
];

export const theme = createTheme({
  primaryColor: 'brand',
  // White on shade 5 has 4.1:1, on shade 6 6:1.
  primaryShade: 6,
  colors: { brand },
  autoContrast: true,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  headings: { fontWeight: '650' },
  cursorType: 'pointer',
});

/**
 * Secondary text as usual has 3.6:1 on white, and what says that a field is wrong 4.1; these have 7 and 5.6, and as much on dark. So have
 * texts on the tints of notes and badges, which as usual are below 4.5:1 on light.
 */
export const readable: CSSVariablesResolver = (own) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': own.colors.gray[7],
    '--mantine-color-error': own.colors.red[9],
    '--mantine-color-gray-light-color': own.colors.gray[8],
    '--mantine-color-yellow-light-color': '#6b4a00',
    '--mantine-color-orange-light-color': '#7a3200',
    '--mantine-color-green-light-color': '#1b5e2a',
    '--mantine-color-red-light-color': own.colors.red[9],
  },
  dark: { '--mantine-color-dimmed': own.colors.dark[1], '--mantine-color-error': own.colors.red[4] },
});
