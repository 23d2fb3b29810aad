import { describe, expect, it } from 'vitest';
import { elsewhere, entraFlags, failing, graph, issuer, read, run, useIssuer } from './run.js';

useIssuer();

describe('the issuer', () => {
  it('gets requests for metadata and keys only', async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = (input, init) => {
      expect(init?.body ?? init?.method).toBeUndefined();
      expect(init?.headers).toEqual({ accept: 'application/json', connection: 'close' });
      asked.push(new URL(input).pathname);
      return globalThis.fetch(input, init);
    };
    await run([...entraFlags(), await issuer.token()], { fetch });
    const { tenantId } = issuer.options;
    expect(new Set(asked)).toEqual(
      new Set([`/${tenantId}/v2.0/.well-known/openid-configuration`, `/${tenantId}/discovery/v2.0/keys`]),
    );
  });

  it('gets no request offline, and the claims are still checked', async () => {
    const fetch = () => Promise.reject(new Error('Nothing was to be sent.'));
    const before = { ...issuer.requests };
    const good = await run([...entraFlags(), '--offline', '--json', await issuer.token()], { fetch });
    const { steps, verdict } = read(good);
    expect(steps.filter(({ status }) => status !== 'pass').map(({ step, status }) => [step, status])).toEqual([
      ['key', 'unknown'],
      ['signature', 'unknown'],
    ]);
    expect(verdict).toEqual({ status: 'unknown' });
    expect(good.code).toBe(0);
    const token = await issuer.token({ aud: graph, iss: `${issuer.url}/${elsewhere}/v2.0`, tid: elsewhere });
    const poor = await run([...entraFlags(), '--offline', '--json', token], { fetch });
    expect(failing(read(poor))).toEqual({ audience: 'graph_token', issuer: 'wrong_tenant' });
    expect(read(poor).verdict).toMatchObject({ status: 'fail', httpStatus: 401, reason: 'audience' });
    expect(poor.code).toBe(1);
    expect(issuer.requests).toEqual(before);
  });

  it('fails the step `key` if it cannot be reached, and the claims are still checked', async () => {
    issuer.setFault({ status: 404 });
    const said = await run([...entraFlags(), '--json', await issuer.token({ aud: graph })]);
    const { steps, verdict } = read(said);
    expect(failing({ steps })).toEqual({ key: 'no_keys', audience: 'graph_token' });
    expect(steps.find(({ step }) => step === 'key')?.found).toContain('answered 404');
    expect(verdict).toMatchObject({ httpStatus: 503, code: 'issuer_unavailable' });
    expect(verdict.remedy).toContain('look at tenantId, instance and the network');
    expect(said.code).toBe(1);
  });
});
