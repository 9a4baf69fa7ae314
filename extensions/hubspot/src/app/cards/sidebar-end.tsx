import { Text } from '@hubspot/ui-extensions';
import type { Format } from './format.ts';
import { Freshness } from './freshness.tsx';
import type { Card } from './use-card.ts';

interface SidebarEndProps {
  /** What the card in the tab is called. */
  readonly tab: string;
  readonly generatedAt: string;
  readonly card: Card<unknown>;
  readonly format: Format;
}

/** A card cannot lead to a tab: HubSpot gives tabs no address, and an admin names them. */
export function SidebarEnd({ tab, generatedAt, card, format }: SidebarEndProps) {
  return (
    <>
      <Text variant="microcopy">The whole story is on the card “{tab}” in a tab of this record.</Text>
      <Freshness generatedAt={generatedAt} card={card} format={format} isRecordRead={false} />
    </>
  );
}
