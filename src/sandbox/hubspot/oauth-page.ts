/** The pages of the authorize route. Plain HTML and a little CSS: nothing is fetched, nothing runs. */

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const STYLE = `
  :root { color-scheme: light; }
  body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: #f5f8fa; color: #33475b; }
  header { background: #2d3e50; color: #fff; padding: 14px 24px; font-weight: 600; }
  main { max-width: 560px; margin: 40px auto; background: #fff; border: 1px solid #cbd6e2; border-radius: 6px; padding: 32px; }
  h1 { font-size: 22px; margin: 0 0 8px; }
  label { display: block; font-weight: 600; margin: 20px 0 6px; }
  select { width: 100%; padding: 10px; border: 1px solid #7c98b6; border-radius: 3px; font: inherit; background: #fff; color: inherit; }
  ul { padding-left: 20px; } code { background: #eaf0f6; padding: 1px 5px; border-radius: 3px; font-size: 14px; }
  .actions { display: flex; gap: 12px; margin-top: 28px; }
  button { font: inherit; font-weight: 600; padding: 10px 22px; border-radius: 3px; border: 1px solid #c2410c; cursor: pointer; }
  .primary { background: #c2410c; color: #fff; } .secondary { background: #fff; color: #9a3412; }
  button:focus-visible, select:focus-visible { outline: 3px solid #0b6e99; outline-offset: 2px; }
`;

function page(title: string, content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><header>Local HubSpot (sandbox)</header><main>${content}</main></body></html>`;
}

export interface Consent {
  accounts: Array<{ portalId: number; name: string; users: Array<{ userId: number; email: string }> }>;
  scopes: string[];
  optionalScopes: string[];
  /** Everything of the request that the POST needs again. */
  fields: Record<string, string>;
}

export function consentPage({ accounts, scopes, optionalScopes, fields }: Consent): string {
  const options = accounts
    .flatMap((account) =>
      account.users.map(
        (user) =>
          `<option value="${account.portalId}:${user.userId}">${escapeHtml(account.name)} (${account.portalId}), ${escapeHtml(user.email)}</option>`,
      ),
    )
    .join('');
  const list = (names: string[]): string => names.map((name) => `<li><code>${escapeHtml(name)}</code></li>`).join('');
  const hidden = Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('');
  return page(
    'Connect an app',
    `<h1>Connect an app to HubSpot</h1><p>The app asks for these permissions:</p><ul>${list(scopes)}</ul>${
      optionalScopes.length > 0 ? `<p>If your account has them, also:</p><ul>${list(optionalScopes)}</ul>` : ''
    }<form method="post" action="/oauth/authorize">${hidden}<label for="account">Account and user</label><select id="account" name="account">${options}</select><div class="actions"><button class="primary" name="decision" value="grant">Connect app</button><button class="secondary" name="decision" value="deny">Cancel</button></div></form>`,
  );
}

export function errorPage(title: string, explanation: string): string {
  return page(title, `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(explanation)}</p>`);
}
