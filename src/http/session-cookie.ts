import type { Request, Response } from 'express';

/**
 * The console's cookie. With https its name begins with "__Host-": a browser then takes it from this host alone, so that no other site
 * under the same domain can set one. `Lax`, since a link from the CRM has to find its user signed in; what changes anything is checked
 * for where it comes from beside that.
 */
export interface SessionCookie {
  read(request: Request): string | null;
  set(response: Response, secret: string, expiresAt: number): void;
  clear(response: Response): void;
}

export function createCookie(publicUrl: string, plainName: string): SessionCookie {
  const isSecure = publicUrl.startsWith('https:');
  const name = isSecure ? `__Host-${plainName}` : plainName;
  const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure } as const;
  return {
    read(request) {
      for (const part of (request.headers.cookie ?? '').split(';')) {
        const [key = '', value = ''] = part.trim().split('=', 2);
        if (key === name && value !== '') return value;
      }
      return null;
    },
    set: (response, secret, expiresAt) =>
      void response.cookie(name, secret, { ...attributes, expires: new Date(expiresAt) }),
    clear: (response) => void response.clearCookie(name, attributes),
  };
}

/**
 * Whether a request was made by a page of ours. Browsers say so in Sec-Fetch-Site, older ones by Origin; one that says neither is not
 * taken for one of ours, as another site's form would be.
 */
export function isFromConsole(request: Request, publicUrl: string): boolean {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  return request.get('origin') === new URL(publicUrl).origin;
}
