import { MultiSelect } from '@mantine/core';
import { useText } from '../../i18n/text.ts';
import { roleText, settingsText } from './texts.ts';

export const ROLES = ['owner', 'architect', 'manager', 'content', 'analyst', 'reviewer', 'finance', 'sales'] as const;
export type Role = (typeof ROLES)[number];

export function RoleSelect({
  value,
  onChange,
  error,
  label,
  disabled,
}: {
  value: readonly Role[];
  onChange: (roles: Role[]) => void;
  error?: string | false;
  label?: string;
  disabled?: boolean;
}) {
  const t = useText(settingsText);
  const name = useText(roleText);
  return (
    <MultiSelect
      {...(label === undefined ? { 'aria-label': t('roles') } : { label })}
      data={ROLES.map((role) => ({ value: role, label: name(role) }))}
      value={[...value]}
      error={error}
      disabled={disabled}
      onChange={(roles) => onChange(roles as Role[])}
    />
  );
}
