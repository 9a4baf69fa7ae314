import { Box, type BoxProps } from '@mantine/core';
import type { ComponentPropsWithoutRef } from 'react';
import classes from './table.module.css';

const SPACE = { xs: 'var(--mantine-spacing-xs)', sm: 'var(--mantine-spacing-sm)' } as const;

type Props<E extends 'table' | 'td' | 'th'> = BoxProps & Omit<ComponentPropsWithoutRef<E>, keyof BoxProps>;

interface TableProps extends Props<'table'> {
  verticalSpacing?: keyof typeof SPACE | number;
  highlightOnHover?: boolean;
  stickyHeader?: boolean;
}

/** As Mantine's, without what no table here does: that one brings all that floats along, and nearly every screen has a table. */
function Frame({ verticalSpacing = 7, highlightOnHover, stickyHeader, style, ...others }: TableProps) {
  const space = typeof verticalSpacing === 'number' ? `${verticalSpacing}px` : SPACE[verticalSpacing];
  return (
    <Box
      component="table"
      className={classes.table}
      mod={{ hover: highlightOnHover, sticky: stickyHeader }}
      style={[{ '--row-space': space }, style]}
      {...others}
    />
  );
}

const Th = (props: Props<'th'>) => <Box component="th" {...props} />;
const Td = (props: Props<'td'>) => <Box component="td" {...props} />;

type RowProps = BoxProps & Omit<ComponentPropsWithoutRef<'tr'>, keyof BoxProps>;
type BodyProps = ComponentPropsWithoutRef<'tbody'>;

const Tr = (props: RowProps) => <Box component="tr" {...props} />;
const Thead = (props: BodyProps) => <thead {...props} />;
const Tbody = (props: BodyProps) => <tbody {...props} />;
const Tfoot = (props: BodyProps) => <tfoot {...props} />;

export const Table = Object.assign(Frame, { Thead, Tbody, Tfoot, Tr, Th, Td });
