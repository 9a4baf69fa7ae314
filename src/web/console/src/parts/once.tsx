import { Alert, Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { useText } from '../i18n/text.ts';
import { common } from './texts.ts';

/** A secret that is shown this once. */
export function ShownOnce({ children, secret }: { children: string; secret: string }) {
  const t = useText(common);
  return (
    <Alert color="brand" role="status">
      <Stack gap="xs">
        <Text size="sm">{children}</Text>
        <Group gap="sm" wrap="nowrap">
          <Code style={{ overflowWrap: 'anywhere' }}>{secret}</Code>
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button size="xs" variant="default" onClick={copy}>
                {copied ? t('copied') : t('copy')}
              </Button>
            )}
          </CopyButton>
        </Group>
      </Stack>
    </Alert>
  );
}
