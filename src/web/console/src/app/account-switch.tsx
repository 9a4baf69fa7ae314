import { Select } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useText } from '../i18n/text.ts';
import type { AccountSeat, Session } from './session.tsx';
import { shellText } from './texts.ts';

export default function AccountSwitch({ session, account }: { session: Session; account: AccountSeat }) {
  const t = useText(shellText);
  const navigate = useNavigate();
  return (
    <Select
      aria-label={t('account')}
      data={session.accounts.map(({ id, name, brand }) => ({
        value: id,
        label: brand.name === null || brand.name === name ? name : `${brand.name} (${name})`,
      }))}
      value={account.id}
      allowDeselect={false}
      searchable={session.accounts.length > 8}
      size="sm"
      onChange={(id) => id !== null && void navigate({ to: '/$account', params: { account: id } })}
    />
  );
}
