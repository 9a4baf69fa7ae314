/**
 * The address that was called as its caller wrote it: ours from the configuration, path and query untouched. Request headers
 * such as Host and X-Forwarded-Proto are the caller's to choose and never take part.
 */
export function publicUrlOf(
  publicUrl: string,
  { originalUrl, url }: { originalUrl?: string | undefined; url?: string | undefined },
): string {
  // Express keeps the original beside one that its routers shorten; before Express there is only the original.
  return `${publicUrl}${originalUrl ?? url ?? ''}`;
}
