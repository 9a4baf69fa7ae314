import { Button, ButtonRow, type ExtensionPointApiActions, Flex, Image, Link, Text } from '@hubspot/ui-extensions';
import { useState } from 'react';
import type { Member } from './card-view.generated.ts';

interface ShareLinkProps {
  readonly member: Member;
  readonly actions: Pick<ExtensionPointApiActions<'crm.record.tab'>, 'addAlert' | 'copyTextToClipboard'>;
}

const QR_WIDTH = 180;

export function ShareLink({ member, actions }: ShareLinkProps) {
  const [hasQr, setHasQr] = useState(false);
  const { message, qrUrl } = member;

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
    <Flex direction="column" gap="xs">
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
          {message !== undefined && (
            <Button size="sm" onClick={() => void copy(message, 'Message with the link')}>
              Copy as message
            </Button>
          )}
          <Button size="sm" onClick={() => void copy(member.code, 'Referral code')}>
            Copy code {member.code}
          </Button>
          {qrUrl !== undefined && (
            <Button size="sm" onClick={() => setHasQr(!hasQr)}>
              {hasQr ? 'Hide QR code' : 'Show QR code'}
            </Button>
          )}
        </ButtonRow>
      </Flex>
      {hasQr && qrUrl !== undefined && (
        <Image src={qrUrl} alt={`QR code of the share link ${member.shareLink}`} width={QR_WIDTH} />
      )}
    </Flex>
  );
}
