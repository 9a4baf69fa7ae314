import { Button, Card, Group, Progress, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { STEPS, useSetup } from '../onboarding/setup.ts';
import { homeText } from './texts.ts';

/** How far an account is set up; gone when it is. */
export function SetUp() {
  const t = useText(homeText);
  const { account } = useAccount();
  const { isLoading, error, doneCount } = useSetup();
  if (isLoading || error !== null || doneCount === STEPS.length) return null;
  const label = t('setUp', { done: doneCount, all: STEPS.length });
  return (
    <Card withBorder padding="md">
      <Group justify="space-between" wrap="nowrap">
        <Stack gap={6} flex={1}>
          <Text fw={600}>{label}</Text>
          <Progress value={(doneCount / STEPS.length) * 100} aria-label={label} />
        </Stack>
        <Button component={Link} to={`/${account.id}/onboarding` as string} size="xs">
          {t('setUpDo')}
        </Button>
      </Group>
    </Card>
  );
}
