import { Badge } from '@mantine/core';
import { useText } from '../../i18n/text.ts';
import type { Version } from './document.ts';
import { programText } from './texts.ts';

export function ProgramState({ inForce }: { inForce: Version | undefined }) {
  const t = useText(programText);
  if (!inForce)
    return (
      <Badge variant="default" tt="none">
        {t('neverPublished')}
      </Badge>
    );
  if (inForce.isRetired)
    return (
      <Badge color="gray" variant="light" tt="none">
        {t('retired')}
      </Badge>
    );
  return (
    <Badge variant="light" tt="none">
      {t('inForce')}
    </Badge>
  );
}
