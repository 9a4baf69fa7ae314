import type { Request } from 'express';

/**
 * The address that was called as its caller wrote it: ours from the configuration, path and query untouched. Request headers
 * such as Host and X-Forwarded-Proto are the caller's to choose and never take part.
 */
export function publicUrlOf(publicUrl: string, request: Request): string {
  return `${publicUrl}${request.originalUrl}`;
}
