import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { historyText } from './history-texts.ts';

/** Who was referred, for those who may see people; to its timeline. */
export function ReferralName({
  referralId,
  show,
  isInText = false,
}: {
  referralId: string;
  show?: string;
  /** Among words a link is told by its line, and not by its colour alone. */
  isInText?: boolean;
}) {
  const t = useText(historyText);
  const { api, account, may } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'referral', referralId],
    enabled: may('referrals.read'),
    queryFn: async () => (await api.GET('/referrals/{referralId}', { params: { path: { referralId } } })).data ?? null,
  });
  if (!may('referrals.read')) return null;
  const friend = query.data?.friend;
  return (
    <Anchor
      component={Link}
      to={`/${account.id}/referrals/${referralId}` as string}
      search={(show === undefined ? {} : { show }) as never}
      size="sm"
      underline={isInText ? 'always' : 'hover'}
    >
      {friend?.name ?? friend?.email ?? t('nameless')}
    </Anchor>
  );
}
