import { Button, ButtonRow, type ExtensionPointApiActions, Flex, Image, Link, Text } from '@hubspot/ui-extensions';
import { useState } from 'react';
import type { Member } from './card-view.generated.ts';
import { copyText } from './copy-text.ts';

interface ShareLinkProps {
  readonly member: Member;
  readonly actions: Pick<ExtensionPointApiActions<'crm.record.tab'>, 'addAlert' | 'copyTextToClipboard'>;
  /** Hears that the invitation was taken along: whoever hands it on has asked. */
  readonly onInvited?: () => void;
}

const QR_WIDTH = 180;

export function ShareLink({ member, actions, onInvited }: ShareLinkProps) {
  const [hasQr, setHasQr] = useState(false);
  const { message, qrUrl } = member;

  const copy = (text: string, what: string) => copyText(actions, text, what);

  async function invite(text: string): Promise<void> {
    if (await copy(text, 'Message with the link')) onInvited?.();
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
            <Button size="sm" onClick={() => void invite(message)}>
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
