import { Input } from '@mantine/core';
import { IconSelector } from '@tabler/icons-react';
import { useId, useState } from 'react';
import { useText } from '../../i18n/text.ts';
import { MultiSelect } from '../../parts/later.tsx';
import { roleText, settingsText } from './texts.ts';

export const ROLES = ['owner', 'architect', 'manager', 'content', 'analyst', 'reviewer', 'finance', 'sales'] as const;
export type Role = (typeof ROLES)[number];

/** Shows the roles; what chooses among them comes when somebody wants to. */
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
  const id = useId();
  const [isWanted, setWanted] = useState(false);
  if (isWanted)
    return (
      <MultiSelect
        {...(label === undefined ? { 'aria-label': t('roles') } : { label })}
        data={ROLES.map((role) => ({ value: role, label: name(role) }))}
        value={[...value]}
        error={error}
        disabled={disabled}
        autoFocus
        defaultDropdownOpened
        onChange={(roles) => onChange(roles as Role[])}
      />
    );
  const names = value.map((role) => name(role)).join(', ');
  return (
    <Input.Wrapper id={id} label={label} error={error}>
      <Input
        id={id}
        component="button"
        type="button"
        pointer
        rightSection={<IconSelector size={16} aria-hidden />}
        multiline
        disabled={disabled}
        error={error}
        aria-haspopup="listbox"
        aria-label={label === undefined ? `${t('roles')}: ${names}` : undefined}
        onClick={() => setWanted(true)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setWanted(true);
        }}
      >
        {names === '' ? '\u00a0' : names}
      </Input>
    </Input.Wrapper>
  );
}
