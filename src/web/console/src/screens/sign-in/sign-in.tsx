import { Alert, Anchor, Button, Center, Divider, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Navigate, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { sessionCall } from '../../api/client.ts';
import { useSession } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Loaded, ProblemNote } from '../../parts/states.tsx';
import { signInText } from './texts.ts';

interface Ways {
  readonly byMail: boolean;
  /** What the OpenID provider is called; null without one. */
  readonly openId: string | null;
}

export function SignIn() {
  const t = useText(signInText);
  const session = useSession();
  const [token, setToken] = useState(() => window.location.hash.slice(1));
  // A link that is pasted into this very tab changes what stands behind the "#", and loads nothing.
  useEffect(() => {
    const read = () => setToken(window.location.hash.slice(1));
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
  if (session.data && token === '') return <Navigate to="/" replace />;
  return (
    <Center mih="100vh" p="md" component="main">
      <title>{`${t('title')} · Wonward`}</title>
      <Paper withBorder p="xl" w="100%" maw={420}>
        {token === '' ? <AskForLink /> : <UseLink token={token} onDone={() => setToken('')} />}
      </Paper>
    </Center>
  );
}

function AskForLink() {
  const t = useText(signInText);
  const ways = useQuery({ queryKey: ['ways'], queryFn: () => sessionCall<Ways>('/ways') });
  const [email, setEmail] = useState('');
  const [isWrong, setIsWrong] = useState(false);
  const ask = useMutation({ mutationFn: () => sessionCall('/link', { method: 'POST', body: { email } }) });
  function submit(event: FormEvent) {
    event.preventDefault();
    const isWhole = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(email.trim());
    setIsWrong(!isWhole);
    if (isWhole) ask.mutate();
  }
  if (ask.isSuccess) {
    return (
      <Stack>
        <Title order={1} size="h2">
          {t('sent')}
        </Title>
        <Text>{t('sentWhat', { email: email.trim() })}</Text>
        <Anchor component="button" onClick={() => ask.reset()}>
          {t('again')}
        </Anchor>
      </Stack>
    );
  }
  return (
    <Stack>
      <Title order={1} size="h2">
        {t('title')}
      </Title>
      <Loaded query={ways}>
        {({ byMail, openId }) => (
          <Stack>
            {openId !== null && (
              <Button component="a" href="/console/openid" variant={byMail ? 'default' : 'filled'}>
                {t('continueWith', { name: openId })}
              </Button>
            )}
            {openId !== null && byMail && <Divider label={t('or')} />}
            {byMail && (
              <form onSubmit={submit} noValidate>
                <Stack>
                  <TextInput
                    label={t('email')}
                    type="email"
                    name="email"
                    autoComplete="email"
                    autoFocus
                    value={email}
                    error={isWrong && t('invalidEmail')}
                    onChange={(event) => setEmail(event.currentTarget.value)}
                  />
                  <Button type="submit" loading={ask.isPending}>
                    {t('send')}
                  </Button>
                </Stack>
              </form>
            )}
            {!byMail && openId === null && <Alert color="gray">{t('byHand')}</Alert>}
          </Stack>
        )}
      </Loaded>
      {ask.isError && <ProblemNote thrown={ask.error} />}
    </Stack>
  );
}

/** A page that a mail scanner opens uses nothing up: that takes a press. */
function UseLink({ token, onDone }: { token: string; onDone: () => void }) {
  const t = useText(signInText);
  const navigate = useNavigate();
  const client = useQueryClient();
  const redeem = useMutation({
    mutationFn: () => sessionCall('', { method: 'POST', body: { token } }),
    onSettled: () => window.history.replaceState(null, '', window.location.pathname),
    onSuccess: async () => {
      client.clear();
      await navigate({ to: '/', replace: true });
    },
  });
  if (redeem.isError) {
    return (
      <Stack>
        <Title order={1} size="h2">
          {t('failed')}
        </Title>
        <ProblemNote thrown={redeem.error} />
        <Button variant="default" onClick={onDone}>
          {t('title')}
        </Button>
      </Stack>
    );
  }
  return (
    <Stack>
      <Title order={1} size="h2">
        {t('redeemTitle')}
      </Title>
      <Text>{t('redeemWhat')}</Text>
      <Button autoFocus loading={redeem.isPending} onClick={() => redeem.mutate()}>
        {t('redeem')}
      </Button>
    </Stack>
  );
}
