import type { components, operations } from '../../api/schema.generated.ts';

export type Refund = components['schemas']['Refund'];
export type DealRef = NonNullable<Refund['deal']>;
export type Currency = NonNullable<
  operations['tellRefund']['requestBody']
>['content']['application/json']['money']['currency'];

/** Of what was entered by hand or by a program of the account's own; each payment provider is another source. */
export const OWN_SOURCE = 'api';

/** A deal's number as somebody writes it, or in the address of its page in HubSpot or Salesforce; null when it is neither. */
export function dealIdIn(text: string): string | null {
  const written = text.trim();
  if (/^[A-Za-z0-9]{1,40}$/.test(written)) return written;
  const [, id = null] =
    /\/record\/0-3\/([0-9]{1,40})(?:[/?#]|$)/.exec(written) ??
    /\/deal\/([0-9]{1,40})(?:[/?#]|$)/.exec(written) ??
    /\/Opportunity\/([A-Za-z0-9]{15,18})(?:[/?#]|$)/.exec(written) ??
    [];
  return id;
}
