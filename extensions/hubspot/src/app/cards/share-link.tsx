import { Button, ButtonRow, type ExtensionPointApiActions, Flex, Link, Text } from '@hubspot/ui-extensions';
import type { Member } from './card-view.generated.ts';

interface ShareLinkProps {
  readonly member: Member;
  readonly actions: Pick<ExtensionPointApiActions<'crm.record.tab'>, 'addAlert' | 'copyTextToClipboard'>;
}

export function ShareLink({ member, actions }: ShareLinkProps) {
  async function copy(text: string, what: string): Promise<void> {
    try {
      await actions.copyTextToClipboard(text);
      actions.addAlert({ type: 'success', message: `${what} copied.` });
    } catch {
      // Some browsers refuse: the rep still gets the text to copy by hand.
      actions.addAlert({ type: 'danger', message: `Your browser did not allow copying. Copy it here: ${text}` });
    }
  }
  return (
    <Flex direction="row" gap="sm" justify="between" align="center" wrap="wrap">
      <Text>
        <Text inline={true} format={{ fontWeight: 'demibold' }}>
          Share link:
        </Text>{' '}
        <Link href={{ url: member.shareLink, external: true }}>{member.shareLink}</Link>
      </Text>
      <ButtonRow>
        <Button size="sm" variant="primary" onClick={() => void copy(member.shareLink, 'Share link')}>
          Copy link
        </Button>
        <Button size="sm" onClick={() => void copy(member.code, 'Referral code')}>
          Copy code {member.code}
        </Button>
      </ButtonRow>
    </Flex>
  );
}
