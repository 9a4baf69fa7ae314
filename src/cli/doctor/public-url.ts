import { causeOf, type Examined, problem } from './finding.ts';

/** HubSpot gives up after five seconds; twice that is an address nobody can use. */
const ANSWER_WITHIN_MS = 10_000;

const WHY =
  'The CRM sends its webhooks there and browsers open cards and install pages there: none of that arrives now.';

/** Opens the address as the CRM would. From inside a network this also fails where only the outside can reach it. */
export async function checkPublicUrl(publicUrl: string): Promise<Examined> {
  const address = `${publicUrl}/livez`;
  const found = (what: string, remedy: string): Examined => ({
    summary: `${publicUrl} does not lead to the service`,
    findings: [problem(what, WHY, remedy)],
  });
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    text = await response.text();
  } catch (thrown) {
    const code = thrown instanceof Error && thrown.name === 'TimeoutError' ? 'TIMEOUT' : causeOf(thrown);
    return found(`${address} cannot be reached: ${code}.`, remedyFor(code));
  }
  if (response.status === 200 && isLive(text)) return { summary: `${publicUrl} answers`, findings: [] };
  return found(
    `${address} answers ${response.status}, and not as Wonward does.`,
    'Something else answers there. Check PUBLIC_URL, and that the proxy passes every path on unchanged.',
  );
}

function isLive(text: string): boolean {
  try {
    return JSON.parse(text)?.status === 'live';
  } catch {
    return false;
  }
}

function remedyFor(code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'The name is not known. Correct PUBLIC_URL or the DNS record.';
  if (code === 'ECONNREFUSED')
    return 'Nobody listens on that port. Start the service, and check that the proxy or the port mapping leads to PORT.';
  if (/CERT|SSL|TLS|SELF_SIGNED|ALTNAME/.test(code))
    return 'The certificate is not accepted. Give the proxy one that is valid for the name in PUBLIC_URL, with its chain.';
  return 'Check the firewall and the route. If only the outside may reach this address, run doctor from outside.';
}
