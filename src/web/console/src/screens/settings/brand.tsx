import {
  Alert,
  Anchor,
  Button,
  Code,
  Grid,
  Group,
  NativeSelect,
  Paper,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { brandText } from './brand-texts.ts';
import { LogoField } from './logo-field.tsx';
import { OfAccount } from './settings-screen.tsx';

type Brand = operations['getBrand']['responses'][200]['content']['application/json'];
type Colours = NonNullable<Brand['colours']>;

const IS_COLOUR = /^#[0-9a-f]{6}$/i;

/** The grounds of the pages that the service shows. */
const GROUNDS = {
  onLight: { paper: '#ffffff', ink: '#1d2433', soft: '#566076', line: '#d9deea' },
  onDark: { paper: '#1a202c', ink: '#eef1f8', soft: '#a9b3c8', line: '#333c50' },
} as const;

/** As the service writes them on its own page, in the language of the brand and not of whoever looks at the preview. */
const PAGE_WORDS = {
  en: {
    referred: 'You were referred',
    referredTo: (name: string) => `You were referred to ${name}`,
    valid: 'Your referral code is valid:',
    privacy: 'Privacy',
    terms: 'Terms',
  },
  de: {
    referred: 'Sie wurden empfohlen',
    referredTo: (name: string) => `Sie wurden ${name} empfohlen`,
    valid: 'Ihr Empfehlungscode ist gültig:',
    privacy: 'Datenschutz',
    terms: 'Bedingungen',
  },
} as const;

export default function BrandSettings() {
  const t = useText(brandText);
  return (
    <Screen title={t('brand')} description={t('brandWhat')}>
      <BrandFields />
    </Screen>
  );
}

/** The same where an account is set up for the first time. */
export function BrandFields() {
  return (
    <OfAccount name="brand" load={(api) => api.GET('/brand')}>
      {(found) => <BrandForm found={found} />}
    </OfAccount>
  );
}

/** What is typed; an empty field is nothing. */
function typedOf({ name, accent, senderName, replyTo, postalAddress, privacyUrl, termsUrl, language }: Brand) {
  return {
    name: name ?? '',
    accent: accent ?? '',
    senderName: senderName ?? '',
    replyTo: replyTo ?? '',
    postalAddress: postalAddress ?? '',
    privacyUrl: privacyUrl ?? '',
    termsUrl: termsUrl ?? '',
    language,
  };
}

type Typed = ReturnType<typeof typedOf>;

function bodyOf({ language, ...texts }: Typed) {
  const said = Object.fromEntries(
    Object.entries(texts).map(([field, text]) => [field, text.trim() === '' ? null : text]),
  ) as Record<keyof typeof texts, string | null>;
  return { ...said, language };
}

function BrandForm({ found }: { found: Brand }) {
  const t = useText(brandText);
  const word = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [typed, setTyped] = useState(() => typedOf(found));
  const set = (changes: Partial<Typed>) => setTyped((before) => ({ ...before, ...changes }));
  const save = useMutation({
    mutationFn: async () => (await api.PUT('/brand', { body: { version: found.version, ...bodyOf(typed) } })).data,
    onSuccess: (saved) => {
      client.setQueryData([account.id, 'brand'], saved);
      void client.invalidateQueries({ queryKey: ['session'] });
    },
  });
  const errors = save.isError ? (problemIn(save.error).errors ?? []) : [];
  const wrong = (field: keyof Typed) => errors.find((error) => error.field === field)?.problem;
  const isColour = IS_COLOUR.test(typed.accent);
  const colours = useQuery({
    queryKey: [account.id, 'colours', typed.accent.toLowerCase()],
    enabled: isColour,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (before) => before,
    queryFn: async () =>
      (await api.GET('/brand/colours', { params: { query: { accent: typed.accent.toLowerCase() } } })).data?.colours ??
      null,
  });
  const used = isColour ? (colours.data ?? null) : null;

  const text = (field: Exclude<keyof Typed, 'language'>, more: { description?: string; type?: string } = {}) => (
    <TextInput
      label={t(field)}
      value={typed[field]}
      error={wrong(field)}
      onChange={(event) => set({ [field]: event.currentTarget.value })}
      {...more}
    />
  );

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  }

  return (
    <Grid gap="xl">
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack>
          <LogoField logo={found.logo?.url ?? null} name={typed.name} />
          <form onSubmit={submit} noValidate>
            <Stack>
              {text('name', { description: t('nameWhat') })}
              <div>
                <Group align="flex-end" gap="xs" wrap="nowrap">
                  <TextInput
                    flex={1}
                    label={t('accent')}
                    description={t('accentWhat')}
                    value={typed.accent}
                    error={wrong('accent') ?? (typed.accent !== '' && !isColour ? t('wrongColour') : undefined)}
                    onChange={(event) => set({ accent: event.currentTarget.value })}
                  />
                  <input
                    type="color"
                    aria-label={t('pickColour')}
                    value={isColour ? typed.accent.toLowerCase() : '#566076'}
                    onChange={(event) => set({ accent: event.currentTarget.value })}
                    style={{ height: 36, width: 44, padding: 2, border: 0, background: 'none' }}
                  />
                </Group>
                {used && isColour && <ColourWord asked={typed.accent.toLowerCase()} used={used} />}
              </div>
              <NativeSelect
                label={t('language')}
                data={[
                  { value: 'en', label: t('en') },
                  { value: 'de', label: t('de') },
                ]}
                value={typed.language}
                onChange={({ currentTarget: { value } }) => set({ language: value === 'de' ? 'de' : 'en' })}
              />
              <Title order={2} size="h5" mt="sm">
                {t('links')}
              </Title>
              {text('privacyUrl', { type: 'url' })}
              {text('termsUrl', { type: 'url' })}
              <Title order={2} size="h5" mt="sm">
                {t('letters')}
              </Title>
              {text('senderName', { description: t('senderNameWhat') })}
              {text('replyTo', { type: 'email' })}
              <Textarea
                label={t('postalAddress')}
                description={t('postalAddressWhat')}
                value={typed.postalAddress}
                error={wrong('postalAddress')}
                rows={3}
                onChange={(event) => set({ postalAddress: event.currentTarget.value })}
              />
              {save.isError && errors.length === 0 && <ProblemNote thrown={save.error} />}
              {save.isSuccess && (
                <Alert color="green" role="status">
                  {t('saved')}
                </Alert>
              )}
              <Group>
                <Button type="submit" loading={save.isPending}>
                  {word('save')}
                </Button>
              </Group>
            </Stack>
          </form>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 6 }}>
        <Stack component="section" aria-label={t('preview')} gap="sm" pos="sticky" top={80}>
          <div>
            <Title order={2} size="h5">
              {t('preview')}
            </Title>
            <Text size="sm" c="dimmed">
              {t('previewWhat')}
            </Text>
          </div>
          {(['onLight', 'onDark'] as const).map((ground) => (
            <div key={ground}>
              <Text size="xs" c="dimmed" pb={4}>
                {t(ground)}
              </Text>
              <Preview ground={ground} typed={typed} colours={used} logo={found.logo?.url ?? null} />
            </div>
          ))}
        </Stack>
      </Grid.Col>
    </Grid>
  );
}

/** What becomes of a colour in which text could not be read. */
function ColourWord({ asked, used }: { asked: string; used: Colours }) {
  const t = useText(brandText);
  const words = [
    ...(used.onLight === asked
      ? []
      : [t('repairedLight', { asked, contrast: used.contrast.onLight, used: used.onLight })]),
    ...(used.onDark === asked ? [] : [t('repairedDark', { asked, contrast: used.contrast.onDark, used: used.onDark })]),
  ];
  return (
    <Stack gap={2} pt={6} role="status">
      {(words.length === 0 ? [t('sound')] : words).map((one) => (
        <Text size="xs" c="dimmed" key={one}>
          {one}
        </Text>
      ))}
    </Stack>
  );
}

function Preview({
  ground,
  typed,
  colours,
  logo,
}: {
  ground: keyof typeof GROUNDS;
  typed: Typed;
  colours: Colours | null;
  logo: string | null;
}) {
  const words = PAGE_WORDS[typed.language];
  const { paper, ink, soft, line } = GROUNDS[ground];
  const accent = colours?.[ground];
  const name = typed.name.trim();
  const links = [
    ...(typed.privacyUrl.trim() === '' ? [] : [words.privacy]),
    ...(typed.termsUrl.trim() === '' ? [] : [words.terms]),
  ];
  return (
    <Paper
      withBorder
      lang={typed.language}
      p="lg"
      radius="md"
      style={{ background: paper, color: ink, borderColor: line, borderTop: `4px solid ${accent ?? soft}` }}
    >
      {logo === null ? (
        <Text fw={600} style={{ color: soft }}>
          {name || 'Wonward'}
        </Text>
      ) : (
        <img src={logo} alt={name || 'Wonward'} style={{ maxHeight: 48, maxWidth: '100%', display: 'block' }} />
      )}
      <Text fz="xl" fw={700} py="xs" style={{ color: accent ?? ink }}>
        {name === '' ? words.referred : words.referredTo(name)}
      </Text>
      <Text size="sm">{words.valid}</Text>
      <Code fz="md" fw={600} bg="transparent" style={{ color: ink, padding: 0 }}>
        K7QF-93MX-P2RA
      </Code>
      {(links.length > 0 || typed.postalAddress.trim() !== '') && (
        <Text
          size="xs"
          mt="md"
          pt="xs"
          style={{ color: soft, borderTop: `1px solid ${line}`, overflowWrap: 'anywhere' }}
        >
          {links.map((one) => (
            <Anchor key={one} component="span" inherit mr="sm" style={{ color: soft, textDecoration: 'underline' }}>
              {one}
            </Anchor>
          ))}
          {typed.postalAddress.trim().replaceAll('\n', ', ')}
        </Text>
      )}
    </Paper>
  );
}
