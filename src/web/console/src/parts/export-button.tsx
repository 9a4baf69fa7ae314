import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useText } from '../i18n/text.ts';
import { saveFile } from './save-file.ts';
import { ProblemNote } from './states.tsx';
import { common } from './texts.ts';

/** Of a hundred rows each: what a spreadsheet opens gladly. */
const PAGES_MAX = 100;
const ROWS_PER_PAGE = 100;

/** Everything that a list holds as one file, page by page from the server; where that is more than a file should have, it says so. */
export function ExportButton({
  fileName,
  load,
  pagesMax = PAGES_MAX,
  rowsPerPage = ROWS_PER_PAGE,
  size = 'sm',
}: {
  /** Without its ending. */
  fileName: string;
  load: (cursor: string | undefined) => Promise<{ csv: string; nextCursor: string | null } | undefined>;
  pagesMax?: number;
  rowsPerPage?: number;
  size?: string;
}) {
  const t = useText(common);
  const download = useMutation({
    async mutationFn() {
      const parts: string[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < pagesMax; page += 1) {
        const data = await load(cursor);
        if (!data) break;
        // Each page names its columns; a file does once.
        parts.push(page === 0 ? data.csv : data.csv.slice(data.csv.indexOf('\r\n') + 2));
        cursor = data.nextCursor ?? undefined;
        if (cursor === undefined) break;
      }
      saveFile(`${fileName}.csv`, parts.join(''));
      return cursor !== undefined;
    },
  });
  return (
    <Stack gap={4} align="flex-end">
      <Button variant="default" size={size} loading={download.isPending} onClick={() => download.mutate()}>
        {t('csv')}
      </Button>
      {download.data === true && (
        <Text size="xs" role="status">
          {t('exportMore', { count: pagesMax * rowsPerPage })}
        </Text>
      )}
      {download.isError && <ProblemNote thrown={download.error} />}
    </Stack>
  );
}

/** "rewards-2026-11-23": files of several days lie beside one another. */
export function dated(name: string): string {
  return `${name}-${new Date().toISOString().slice(0, 10)}`;
}
