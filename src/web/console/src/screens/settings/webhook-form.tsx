import { Button, Checkbox, Fieldset, Group, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { components } from '../../api/schema.generated.ts';
import { useText } from '../../i18n/text.ts';
import { ProblemNote, problemIn } from '../../parts/states.tsx';
import { type EventType, GROUPS } from './webhook-groups.ts';
import { webhookText } from './webhook-texts.ts';

export type Endpoint = components['schemas']['WebhookEndpoint'];

export interface EndpointValues {
  readonly url: string;
  readonly description: string;
  readonly eventTypes: EventType[];
}

/** Address and events of one webhook, with what is wrong at its field. */
export function WebhookForm({
  label,
  before,
  isPending,
  thrown,
  onSubmit,
}: {
  label: string;
  before: EndpointValues;
  isPending: boolean;
  thrown: unknown;
  onSubmit: (values: EndpointValues) => void;
}) {
  const t = useText(webhookText);
  const [url, setUrl] = useState(before.url);
  const [description, setDescription] = useState(before.description);
  const [types, setTypes] = useState<ReadonlySet<EventType>>(new Set(before.eventTypes));
  const [wrong, setWrong] = useState<{ url?: string; types?: string }>({});
  const errors = thrown ? problemIn(thrown).errors : undefined;
  const at = (field: string) => errors?.find((one) => one.field === field)?.problem;
  const isShownAtField = errors?.every(({ field }) => field === 'url' || field === 'description') ?? false;

  function submit(event: FormEvent) {
    event.preventDefault();
    const problems = {
      ...(url.trim() === '' ? { url: t('neededUrl') } : {}),
      ...(types.size > 0 ? {} : { types: t('neededEvents') }),
    };
    setWrong(problems);
    if (Object.keys(problems).length === 0 && !isPending)
      onSubmit({ url: url.trim(), description: description.trim(), eventTypes: [...types] });
  }
  const toggled = (type: EventType, isOn: boolean) => {
    const next = new Set(types);
    if (isOn) next.add(type);
    else next.delete(type);
    setTypes(next);
  };

  return (
    <form onSubmit={submit} noValidate aria-label={label}>
      <Stack gap="md">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextInput
            label={t('url')}
            description={t('urlWhat')}
            placeholder="https://"
            inputMode="url"
            value={url}
            error={wrong.url ?? at('url')}
            onChange={(event) => setUrl(event.currentTarget.value)}
          />
          <TextInput
            label={t('description')}
            description={t('descriptionWhat')}
            value={description}
            error={at('description')}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
        </SimpleGrid>
        <Group gap="sm">
          <Text fw={600} size="sm">
            {t('events')}
          </Text>
          <Text size="sm" c="dimmed" role="status">
            {t('chosen', { count: types.size })}
          </Text>
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => setTypes(new Set(GROUPS.flatMap((group) => group.types)))}
          >
            {t('chooseAll')}
          </Button>
          <Button size="compact-xs" variant="default" onClick={() => setTypes(new Set())}>
            {t('chooseNone')}
          </Button>
        </Group>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          {GROUPS.map((group) => (
            <Fieldset key={group.title} legend={t(group.title)} p="xs">
              <Stack gap={6}>
                {group.types.map((type) => (
                  <Checkbox
                    key={type}
                    size="sm"
                    label={type}
                    checked={types.has(type)}
                    onChange={(event) => toggled(type, event.currentTarget.checked)}
                  />
                ))}
              </Stack>
            </Fieldset>
          ))}
        </SimpleGrid>
        {wrong.types && (
          <Text size="sm" c="red" role="alert">
            {wrong.types}
          </Text>
        )}
        {Boolean(thrown) && !isShownAtField && <ProblemNote thrown={thrown} />}
        <Group>
          <Button type="submit" loading={isPending}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
