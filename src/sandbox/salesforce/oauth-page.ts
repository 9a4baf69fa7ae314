/** The pages of the authorize route. Plain HTML: nothing is fetched, nothing runs. */

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const STYLE = `
  body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: #f4f6f9; color: #181818; }
  header { background: #032d60; color: #fff; padding: 14px 24px; font-weight: 600; }
  main { max-width: 560px; margin: 40px auto; background: #fff; border: 1px solid #c9c9c9; border-radius: 4px; padding: 32px; }
  h1 { font-size: 22px; margin: 0 0 8px; } label { display: block; font-weight: 600; margin: 20px 0 6px; }
  select { width: 100%; padding: 10px; border: 1px solid #747474; border-radius: 4px; font: inherit; background: #fff; }
  code { background: #f3f3f3; padding: 1px 5px; } .actions { display: flex; gap: 12px; margin-top: 28px; }
  button { font: inherit; font-weight: 600; padding: 10px 22px; border-radius: 4px; border: 1px solid #0250d9; cursor: pointer; }
  .primary { background: #0250d9; color: #fff; } .secondary { background: #fff; color: #0250d9; }
  button:focus-visible, select:focus-visible { outline: 3px solid #032d60; outline-offset: 2px; }
`;

function page(title: string, content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><header>Local Salesforce (sandbox)</header><main>${content}</main></body></html>`;
}

export interface Consent {
  users: Array<{ orgId: string; orgName: string; userId: string; username: string }>;
  scopes: string[];
  /** Everything of the request that the POST needs again. */
  fields: Record<string, string>;
}

export function consentPage({ users, scopes, fields }: Consent): string {
  const options = users
    .map(
      (user) =>
        `<option value="${user.orgId}:${user.userId}">${escapeHtml(user.orgName)}, ${escapeHtml(user.username)}</option>`,
    )
    .join('');
  const hidden = Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('');
  const list = scopes.map((scope) => `<li><code>${escapeHtml(scope)}</code></li>`).join('');
  return page(
    'Allow access?',
    `<h1>Allow access?</h1><p>The app is asking to:</p><ul>${list}</ul><form method="post" action="/services/oauth2/authorize">${hidden}<label for="user">Org and user</label><select id="user" name="user">${options}</select><div class="actions"><button class="primary" name="decision" value="allow">Allow</button><button class="secondary" name="decision" value="deny">Deny</button></div></form>`,
  );
}

export function errorPage(error: string, description: string): string {
  return page(
    'OAuth error',
    `<h1>OAuth error</h1><p><code>error=${escapeHtml(error)}&amp;error_description=${escapeHtml(description)}</code></p>`,
  );
}
