import { Link, Text } from '@hubspot/ui-extensions';
import type { Person } from './card-view.generated.ts';

/** A person who has a record in this portal leads to it. */
export function PersonLink({ person }: { readonly person: Person }) {
  return person.url === undefined ? <Text>{person.name}</Text> : <Link href={person.url}>{person.name}</Link>;
}
