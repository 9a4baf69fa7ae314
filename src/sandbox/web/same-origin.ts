import type { RequestHandler } from 'express';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Only this machine's own pages: neither another site's script nor a name that was rebound to the loopback may move a deal. */
export const sameOriginOnly: RequestHandler = (request, response, next) => {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  const site = request.headers['sec-fetch-site'];
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (LOOPBACK.has(host) && !foreign) next();
  else response.status(403).json({ message: 'These pages are for this machine.' });
};
