import { Fault } from '../../domain/errors.ts';

/** Where a person logs in, and where an org's API is. Both come from outside, and a token goes to whoever they name. */
export interface Sites {
  /** The origin of a login host; null for one that is not Salesforce's. Absent: the usual one. */
  login(site: string | undefined): string | null;
  /** The origin of an org's API. @throws Fault when it is not Salesforce's. */
  apiUrl(instanceUrl: string): string;
}

/** login, test, My Domains and their sandboxes, instances; of the public cloud, of Government Cloud, and of China. */
const OURS = /(^|\.)(salesforce\.com|salesforce\.mil|sfcrmproducts\.cn)$/;

/** `loginUrl` is the usual login host. One on this machine is a local Salesforce, whose orgs are on this machine too. */
export function createSites(loginUrl: string): Sites {
  const usual = new URL(loginUrl);
  const isLocal = isLoopback(usual);

  function originOf(text: string): string | null {
    if (!URL.canParse(text)) return null;
    const url = new URL(text);
    if (isLocal) return isLoopback(url) ? url.origin : null;
    const isSafe = url.protocol === 'https:' && url.port === '' && url.username === '' && url.password === '';
    return isSafe && OURS.test(url.hostname) ? url.origin : null;
  }

  return {
    login: (site) => originOf(site ?? usual.origin),
    apiUrl(instanceUrl) {
      const origin = originOf(instanceUrl);
      if (origin !== null) return origin;
      throw new Fault(
        'crm_rejected',
        { kind: 'never' },
        'Salesforce named an address for this org that is not one of its own. Nothing was sent there.',
        { message: 'instance_url is not on a host of Salesforce' },
      );
    },
  };
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
}
