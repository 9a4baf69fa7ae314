import type { RemoteReceiver } from '@remote-ui/core';

/** What the page and the card's worker say to each other. Functions travel as references (@remote-ui/rpc), the rest as copies. */

export interface CardContext {
  readonly location: 'crm.record.tab' | 'crm.record.sidebar' | 'pages' | 'settings';
  /** Absent on a page of the app, which belongs to no record. */
  readonly crm?: { readonly objectId: number; readonly objectTypeId: string };
  readonly user: Readonly<Record<string, unknown>>;
  readonly portal: { readonly id: number; readonly timezone: string };
  readonly variables: Readonly<Record<string, string>>;
  readonly extension: { readonly appId: number; readonly appName: string; readonly cardTitle: string };
}

export interface CardFetchRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly timeoutMs: number;
}

export interface CardFetchResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Alert {
  readonly type?: 'info' | 'warning' | 'success' | 'danger' | 'tip';
  readonly title?: string;
  readonly message: string;
}

export type PropertiesCallback = (properties: Readonly<Record<string, string>>) => void;

/** What HubSpot's page does for a card. */
export interface CardHost {
  fetch(request: CardFetchRequest): Promise<CardFetchResponse>;
  addAlert(alert: Alert): void;
  copyTextToClipboard(text: string): Promise<void>;
  reloadPage(): void;
  refreshObjectProperties(): void;
  fetchCrmObjectProperties(names: readonly string[] | '*'): Promise<Readonly<Record<string, string>>>;
  onCrmPropertiesUpdate(names: readonly string[] | '*', callback: PropertiesCallback): void;
}

export interface CardWorker {
  start(channel: RemoteReceiver['receive'], scriptUrl: string, context: CardContext, host: CardHost): Promise<void>;
}
