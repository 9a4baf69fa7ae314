import { Alert, type CrmContext, type ExtensionPointApiActions } from '@hubspot/ui-extensions';
import { type ReactNode, useEffect, useMemo } from 'react';
import { createFormat, type Format } from './format.ts';
import type { CardRecord } from './use-card.ts';

/** In the sidebar HubSpot offers fewer components of its own, and the same context and actions. */
export interface CardProps {
  readonly context: CrmContext;
  readonly actions: ExtensionPointApiActions<'crm.record.tab'>;
}

export interface ConnectedProps extends CardProps {
  readonly record: CardRecord;
  readonly format: Format;
}

interface ConnectedCardProps extends CardProps {
  readonly children: (props: ConnectedProps) => ReactNode;
}

/** What every card needs: where Wonward is, which record is open, and how its reader writes money and times. */
export function Connected({ context, actions, children }: ConnectedCardProps) {
  const { objectId, objectTypeId } = context.crm;
  const { locale } = context.user;
  const { timezone } = context.portal;
  const format = useMemo(() => createFormat({ locale, timeZone: timezone }), [locale, timezone]);
  const api = context.variables?.API;
  if (typeof api !== 'string' || api === '') {
    return (
      <Alert title="This card does not know where Wonward is" variant="error">
        The app was uploaded without the profile variable API. Upload it again with a profile.
      </Alert>
    );
  }
  return <>{children({ context, actions, record: { api: api.replace(/\/$/, ''), objectId, objectTypeId }, format })}</>;
}

/** Wonward writes these after every decision, so their change is the sign that the card is out of date. */
export function useNews(actions: CardProps['actions'], properties: readonly string[], refresh: () => void): void {
  useEffect(() => {
    // HubSpot has no way to stop listening; a card that is gone answers nothing.
    let listening = true;
    actions.onCrmPropertiesUpdate([...properties], (_properties, error) => {
      if (listening && error === undefined) refresh();
    });
    return () => {
      listening = false;
    };
  }, [actions, properties, refresh]);
}
