import { DescriptionList, DescriptionListItem, Link, Text } from '@hubspot/ui-extensions';
import type { ReferredBy as ReferredByView } from './card-view.generated.ts';
import { SOURCE_LABELS } from './words.ts';

export function ReferredBy({ referredBy }: { readonly referredBy: ReferredByView }) {
  return (
    <DescriptionList direction="row">
      <DescriptionListItem label="Referred by">
        {referredBy.url === undefined ? (
          <Text>{referredBy.name}</Text>
        ) : (
          <Link href={referredBy.url}>{referredBy.name}</Link>
        )}
      </DescriptionListItem>
      <DescriptionListItem label="Known from">
        <Text>{SOURCE_LABELS[referredBy.source]}</Text>
      </DescriptionListItem>
      <DescriptionListItem label="Why">
        <Text>{referredBy.reason}</Text>
      </DescriptionListItem>
    </DescriptionList>
  );
}
