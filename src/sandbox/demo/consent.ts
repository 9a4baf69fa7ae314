/** What an admin's browser does with an install link: shows the consent page, sends its form, follows the redirect. */

export interface Consented {
  /** What the app asked for, as the page lists it. */
  readonly permissions: readonly string[];
  /** Status and headline of the page that the admin comes back to. */
  readonly status: number;
  readonly headline: string;
}

/** @throws when HubSpot shows something else than a consent page, or does not send the browser on. */
export async function consent(installUrl: string): Promise<Consented> {
  const shown = await fetch(installUrl);
  const page = await shown.text();
  const account = /<option value="([^"]+)"/.exec(page)?.[1];
  if (!shown.ok || account === undefined) {
    throw new Error(`HubSpot showed no consent page: ${shown.status} ${headlineOf(page)}`);
  }
  const form = new URLSearchParams({ account, decision: 'grant' });
  for (const [, name = '', value = ''] of page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) {
    form.set(name, textOf(value));
  }
  const sent = await fetch(new URL('/oauth/authorize', installUrl), { method: 'POST', body: form, redirect: 'manual' });
  const callback = sent.headers.get('location');
  if (callback === null) throw new Error(`HubSpot did not send the browser back: ${headlineOf(await sent.text())}`);
  const back = await fetch(callback, { redirect: 'manual' });
  return {
    permissions: [...page.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, name = '']) => name),
    status: back.status,
    headline: headlineOf(await back.text()),
  };
}

/** The same in Salesforce, whose page lists the permissions and asks which org and user it is. */
export async function consentInSalesforce(installUrl: string): Promise<Consented> {
  const shown = await fetch(installUrl);
  const page = await shown.text();
  const user = /<option value="([^"]+)"/.exec(page)?.[1];
  if (!shown.ok || user === undefined)
    throw new Error(`Salesforce showed no consent page: ${shown.status} ${headlineOf(page)}`);
  const form = new URLSearchParams({ user, decision: 'allow' });
  for (const [, name = '', value = ''] of page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) {
    form.set(name, textOf(value));
  }
  const sent = await fetch(new URL('/services/oauth2/authorize', installUrl), {
    method: 'POST',
    body: form,
    redirect: 'manual',
  });
  const callback = sent.headers.get('location');
  if (callback === null) throw new Error(`Salesforce did not send the browser back: ${headlineOf(await sent.text())}`);
  const back = await fetch(callback, { redirect: 'manual' });
  return {
    permissions: [...page.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, name = '']) => name),
    status: back.status,
    headline: headlineOf(await back.text()),
  };
}

function headlineOf(page: string): string {
  return textOf(/<h1[^>]*>([^<]*)<\/h1>/.exec(page)?.[1] ?? 'a page without a headline');
}

/** A browser reads entities; "&amp;" comes last, or "&amp;lt;" would become "<". */
function textOf(html: string): string {
  return html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
