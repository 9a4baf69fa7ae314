import type { ICruiseOptions, IRegularForbiddenRuleType } from 'dependency-cruiser';

/**
 * Who may import whom in src/. The table in src/README.md says the same in words; test/layering.test.ts plants a violation of each
 * rule and proves that it is found.
 */
const rooms = (...names: string[]) => `^src/(${names.join('|')})/`;
const OWN = '^src/';

/** A room may import only what `allowed` matches, of our own code. */
const only = (name: string, from: string, allowed: string, comment: string): IRegularForbiddenRuleType => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: OWN, pathNot: allowed },
});

export const forbidden: IRegularForbiddenRuleType[] = [
  only(
    'domain-imports-nothing',
    rooms('domain'),
    rooms('domain'),
    'The business must be readable and testable without any machinery.',
  ),
  {
    name: 'domain-has-no-machinery',
    severity: 'error',
    comment:
      'Only a list of currencies and a hash function come from outside; anything else is I/O, a clock, or chance.',
    from: { path: rooms('domain') },
    to: {
      dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'core'],
      pathNot: '^(node:)?crypto$|node_modules/dinero\\.js/',
    },
  },
  only(
    'application-knows-no-vendor',
    rooms('application'),
    rooms('application', 'domain', 'platform'),
    'Use cases speak to ports, so that a CRM or a database is one folder.',
  ),
  only(
    'crm-is-an-adapter',
    rooms('crm'),
    `^src/crm/|${rooms('domain', 'platform')}|^src/application/ports/`,
    'A CRM implements a port and knows no other adapter.',
  ),
  only(
    'payout-is-an-adapter',
    rooms('payout'),
    `^src/payout/|${rooms('domain', 'platform')}|^src/application/ports/`,
    'A reward provider implements a port and knows no other adapter.',
  ),
  only(
    'notify-is-an-adapter',
    rooms('notify'),
    `^src/notify/|${rooms('domain', 'platform')}|^src/application/ports/`,
    'A channel implements a port and knows no other adapter.',
  ),
  only(
    'the-console-calls-the-api',
    rooms('web'),
    rooms('web'),
    'What runs in a browser knows the service by its API alone.',
  ),
  only(
    'store-is-an-adapter',
    rooms('store'),
    `${rooms('store', 'domain', 'platform')}|^src/application/ports/|^src/domain/`,
    'The store implements ports and knows no other adapter.',
  ),
  only(
    'http-is-a-door',
    rooms('http'),
    rooms('http', 'application', 'domain', 'platform'),
    'Routes call use cases; they reach no database and no vendor.',
  ),
  only(
    'jobs-are-a-door',
    rooms('jobs'),
    rooms('jobs', 'application', 'domain', 'platform'),
    'Workers call use cases; they reach no database and no vendor.',
  ),
  only(
    'platform-is-below',
    rooms('platform'),
    rooms('platform', 'domain'),
    'Clock, log and seal serve everybody and know nobody.',
  ),
  {
    name: 'crms-do-not-know-each-other',
    severity: 'error',
    comment: 'A third CRM is one new folder; it cannot be if the first two lean on each other.',
    from: { path: '^src/crm/([^/]+)/' },
    to: { path: '^src/crm/[^/]+/', pathNot: '^src/crm/$1/' },
  },
  {
    name: 'the-sandbox-is-another-world',
    severity: 'error',
    comment:
      "The local CRM is built from the vendor's documentation; sharing code with the connector would make them agree by mistake.",
    from: { path: '^src/sandbox/(hubspot|salesforce)/' },
    to: { path: OWN, pathNot: '^src/sandbox/$1/' },
  },
  {
    name: 'the-sandbox-is-another-world-for-money',
    severity: 'error',
    comment:
      'The local reward providers share a small server with each other, and nothing with us, for the same reason.',
    from: { path: '^src/sandbox/(tremendous|stripe|paypal|vendor)/' },
    to: { path: OWN, pathNot: '^src/sandbox/($1|vendor)/' },
  },
  {
    name: 'providers-do-not-know-each-other',
    severity: 'error',
    comment: 'A reward provider is one new folder; what they have in common stands beside the folders.',
    from: { path: '^src/payout/([^/]+)/' },
    to: { path: '^src/payout/[^/]+/', pathNot: '^src/payout/$1/' },
  },
  {
    name: 'nobody-leans-on-the-sandbox',
    severity: 'error',
    comment: 'What runs at a customer must not depend on a test double.',
    from: { path: OWN, pathNot: '^src/sandbox/' },
    to: { path: '^src/sandbox/' },
  },
  {
    name: 'no-cycles',
    severity: 'error',
    comment: 'Two files that need each other are one file, or three.',
    from: { path: OWN },
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
];

export const options: ICruiseOptions = {
  parser: 'swc',
  doNotFollow: { path: 'node_modules' },
  exclude: { path: '^src/sandbox/web/client/' },
  tsPreCompilationDeps: true,
  enhancedResolveOptions: {
    exportsFields: ['exports'],
    conditionNames: ['import', 'node', 'default'],
    extensions: ['.ts', '.js', '.mjs'],
  },
};
