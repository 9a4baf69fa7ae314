import { Link } from '@hubspot/ui-extensions';

/** Leads to the page of the console, where there is one. `what` tells links on one card apart. */
export function ConsoleLink({ url, what }: { readonly url: string | undefined; readonly what: string }) {
  if (url === undefined) return null;
  return <Link href={{ url, external: true }}>Open {what} in Wonward</Link>;
}
