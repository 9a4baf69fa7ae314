import { Button } from '@mantine/core';
import { IconBookmark, IconColumns3 } from '@tabler/icons-react';
import { lazy } from 'react';
import { useText } from '../../i18n/text.ts';
import { OnDemand } from '../../parts/on-demand.tsx';
import type { Column } from '../../parts/paged-table.tsx';
import type { ViewsProps } from './list-menus.tsx';
import { workText } from './texts.ts';

const ColumnMenu = lazy(() => import('./list-menus.tsx').then((one) => ({ default: one.ColumnMenu })));
const ViewsMenu = lazy(() => import('./list-menus.tsx').then((one) => ({ default: one.ViewsMenu })));

/** Columns of a table, those that are shown by the address or by themselves. The first one names the row and always is. */
export function shownColumns<T>(all: readonly Column<T>[], usual: readonly string[], text: string | undefined) {
  const wanted = text === undefined ? usual : text.split(',');
  return all.filter(({ key }, place) => place === 0 || wanted.includes(key));
}

export function ColumnChoice<T>({
  all,
  usual,
  value,
  onChange,
}: {
  all: readonly Column<T>[];
  usual: readonly string[];
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const t = useText(workText);
  const shown = shownColumns(all, usual, value).map(({ key }) => key);
  return (
    <OnDemand
      opens="dialog"
      button={
        <Button variant="default" size="sm" leftSection={<IconColumns3 size={16} />}>
          {t('columns')}
        </Button>
      }
    >
      {(button) => <ColumnMenu button={button} columns={all} usual={usual} shown={shown} onChange={onChange} />}
    </OnDemand>
  );
}

/** Views that the user has kept of a list, and keeping this one. */
export function Views(props: Omit<ViewsProps, 'button'>) {
  const t = useText(workText);
  return (
    <OnDemand
      opens="menu"
      button={
        <Button variant="default" size="sm" leftSection={<IconBookmark size={16} />}>
          {t('views')}
        </Button>
      }
    >
      {(button) => <ViewsMenu {...props} button={button} />}
    </OnDemand>
  );
}
