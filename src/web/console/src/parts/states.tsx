import { Alert, Button, Center, CopyButton, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiProblem, type Problem } from '../api/client.ts';
import { useAccount } from '../app/session.tsx';
import { useText } from '../i18n/text.ts';
import { common } from './texts.ts';

export function problemIn(thrown: unknown): Problem {
  if (thrown instanceof ApiProblem) return thrown.problem;
  return { code: 'unreachable', status: 0, title: '', detail: '', ref: '' };
}

/** A problem in the service's own words, with the reference that support finds it by. */
export function ProblemNote({ thrown, onRetry }: { thrown: unknown; onRetry?: () => void }) {
  const t = useText(common);
  const { code, detail, ref, errors, status } = problemIn(thrown);
  const title = status === 404 ? t('notFound') : code === 'not_allowed' ? t('notAllowed') : t('failed');
  return (
    <Alert color={status === 404 ? 'gray' : 'red'} title={title} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{code === 'unreachable' ? t('unreachable') : status === 404 ? t('notFoundWhat') : detail}</Text>
        {errors?.map(({ field, problem }) => (
          <Text size="sm" key={`${field} ${problem}`}>
            <b>{field}</b> {problem}
          </Text>
        ))}
        <Group gap="sm">
          {onRetry && (
            <Button size="xs" variant="default" onClick={onRetry}>
              {t('retry')}
            </Button>
          )}
          {ref !== '' && (
            <CopyButton value={`${code} ${ref}`}>
              {({ copied, copy }) => (
                <Button size="xs" variant="subtle" onClick={copy}>
                  {copied ? t('copied') : t('reference', { ref })}
                </Button>
              )}
            </CopyButton>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}

export function Loading({ rows = 4 }: { rows?: number }) {
  const t = useText(common);
  return (
    <Stack gap="sm" role="status" aria-label={t('loading')}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike and never move
        <Skeleton key={row} height={28} />
      ))}
    </Stack>
  );
}

export function Empty({ title, children }: { title?: string; children?: ReactNode }) {
  const t = useText(common);
  return (
    <Center py="xl">
      <Stack gap="xs" align="center" maw={480}>
        <Text fw={600}>{title ?? t('nothing')}</Text>
        {children}
      </Stack>
    </Center>
  );
}

/** What a query has brought, or what it is doing, or why it could not. */
export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <ProblemNote thrown={query.error} onRetry={() => void query.refetch()} />;
  return <Loading />;
}

/** Shows its content to who has the permission; to others which one it takes and who gives it. */
export function Guarded({ permission, children }: { permission: string; children: ReactNode }) {
  const t = useText(common);
  const { may } = useAccount();
  if (may(permission)) return children;
  return (
    <Screen title={t('notAllowed')}>
      <Text>{t('notAllowedWhat', { permission })}</Text>
    </Screen>
  );
}

export function Screen({
  title,
  description,
  actions,
  children,
}: {
  title: string;
  description?: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Stack gap="lg">
      <title>{`${title} · Wonward`}</title>
      <Group justify="space-between" align="flex-start" gap="sm">
        <div>
          <Title order={1} size="h2">
            {title}
          </Title>
          {description && (
            <Text c="dimmed" size="sm" maw={720}>
              {description}
            </Text>
          )}
        </div>
        {actions && <Group gap="sm">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}
