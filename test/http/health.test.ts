import { afterEach, describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/platform/metrics.ts';
import { startHttp, type TestService } from './service.ts';

let service: TestService | undefined;
afterEach(async () => {
  await service?.close();
  service = undefined;
});

async function started(...options: Parameters<typeof startHttp>): Promise<TestService> {
  service = await startHttp(...options);
  return service;
}

describe('readiness', () => {
  test('is 200 while the database can be written', async () => {
    const { url } = await started();
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready' });
    expect(await (await fetch(`${url}/livez`)).json()).toEqual({ status: 'live' });
  });

  test('is 503 when the database fails, while the process is alive; the reason is only in the log', async () => {
    const { url, logText } = await started({
      deps: { readiness: () => Promise.reject(new Error('disk /srv is full')) },
    });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('srv');
    expect(logText()).toContain('disk /srv is full');
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test('is 503 when the database does not answer at all', async () => {
    const { url } = await started({ deps: { readiness: () => new Promise(() => {}) } });
    const began = performance.now();
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  test('is 503 while the service stops, and open connections are told to close', async () => {
    const { url } = await started({ deps: { isStopping: () => true } });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(response.headers.get('connection')).toBe('close');
    expect(await response.json()).toMatchObject({ code: 'stopping' });
  });
});

describe('metrics', () => {
  test('are shown to this machine, by route template and not by path', async () => {
    const { url } = await started();
    for (const code of ['AAAA', 'BBBB', 'CCCC']) await fetch(`${url}/r/${code}`);
    for (const path of ['/x', '/y', '/.env']) await fetch(`${url}${path}`);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('wonward_http_request_seconds_count{method="GET",route="/r/:code",status="4xx"} 3');
    expect(text).toContain('wonward_http_request_seconds_count{method="GET",route="unmatched",status="4xx"} 3');
    expect(text).not.toMatch(/AAAA|\.env/);
  });

  test.each(['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP'])(
    'are refused to a caller that a proxy on this machine passes on (%s)',
    async (name) => {
      const { url } = await started();
      expect((await fetch(`${url}/metrics`, { headers: { [name]: '203.0.113.7' } })).status).toBe(403);
    },
  );

  test('need the token once there is one, also from this machine', async () => {
    const { url } = await started({ deps: { metricsToken: 'a-token-for-prometheus' } });
    const read = (authorization?: string) =>
      fetch(`${url}/metrics`, authorization ? { headers: { authorization } } : {}).then(({ status }) => status);
    expect(await read()).toBe(401);
    expect(await read('Bearer wrong')).toBe(401);
    expect(await read('Bearer a-token-for-prometheus')).toBe(200);
  });
});

describe('queues', () => {
  test('are counted when they are asked for, and one that cannot be counted is left out rather than told wrong', async () => {
    const metrics = createMetrics({ withProcess: false });
    let due = 3;
    metrics.watchQueues(async () => {
      if (due > 5) throw new Error('no database');
      return { work: { due, claimed: 0, later: 1, parked: 2 } };
    });
    expect((await metrics.render()).text).toContain('wonward_queue_rows{queue="work",state="due"} 3');
    due = 4;
    expect((await metrics.render()).text).toContain('wonward_queue_rows{queue="work",state="due"} 4');
    due = 6;
    expect((await metrics.render()).text).not.toContain('wonward_queue_rows{');
  });
});

describe('every answer', () => {
  test('carries strict security headers, a reference, and no name of what it runs on', async () => {
    const { url } = await started();
    for (const path of ['/livez', '/nothing', '/api/v1/members', '/r/AAAA', '/oauth/hubspot/callback']) {
      const { headers } = await fetch(`${url}${path}`);
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('strict-transport-security')).toMatch(/max-age=\d{8}/);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-request-id')).toMatch(/^req_\d+$/);
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });

  test('to an address that does not exist is a problem that names no file', async () => {
    const { url } = await started();
    const response = await fetch(`${url}/nothing/here`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      type: 'https://wonward.dev/problems/not_found',
      title: 'There is nothing here.',
      status: 404,
      detail: 'No such address.',
      code: 'not_found',
      ref: response.headers.get('x-request-id'),
    });
  });

  test('to an address that cannot be decoded is 400', async () => {
    const { url } = await started();
    const response = await fetch(`${url}/api/v1/members/%zz`);
    expect([400, 401]).toContain(response.status);
  });
});
