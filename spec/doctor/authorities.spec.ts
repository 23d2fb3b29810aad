import { describe, expect, it } from 'vitest';
import { Cloud } from '../../src/index.js';
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
    expect(failing(read(poor))).toEqual({ audience: 'graph_token', issuer: 'graph_token' });
    expect(read(poor).verdict).toMatchObject({ status: 'fail', httpStatus: 401, reason: 'issuer' });
    expect(poor.code).toBe(1);
    expect(issuer.requests).toEqual(before);
  });

  describe('is likely to be another one, offline', () => {
    const { Global, UsGovernment, China } = Cloud;
    const v2 = (origin: string) => `${origin}/${elsewhere}/v2.0`;
    const v1 = (origin: string) => `${origin}/${elsewhere}/`;
    const externalId = (tenant: string) => `https://${tenant}.ciamlogin.com`;

    /** What `--offline` finds of a token of the configured tenant, by its issuer. */
    async function issuerStep(instance: string, iss: string, tenantId = elsewhere) {
      const allowed = tenantId === 'organizations' ? ['--allowed-tenants', '*'] : [];
      const { clientId } = issuer.options;
      const flags = ['--tenant-id', tenantId, '--client-id', clientId, '--instance', instance, ...allowed];
      const said = await run([...flags, '--offline', '--json', await issuer.token({ iss, tid: elsewhere })]);
      return { cause: failing(read(said))['issuer'], expected: read(said).steps.find(isIssuer)?.expected };
    }
    const isIssuer = ({ step }: { readonly step: string }) => step === 'issuer';

    it.each([
      ['of another cloud', Global, v2(UsGovernment), 'wrong_cloud', v2(Global)],
      ['of another cloud, where that is the global one', China, v2(Global), 'wrong_cloud', v2(China)],
      ['of another cloud, v1.0', Global, v1('https://sts.chinacloudapi.cn'), 'wrong_cloud', v2(Global)],
      ['of External ID', Global, v2(externalId(elsewhere)), 'wrong_instance', v2(Global)],
      [
        'of Entra ID where External ID is configured',
        externalId('contoso'),
        v2(Global),
        'wrong_instance',
        v2(externalId(elsewhere)),
      ],
    ])('%s', async (_, instance, iss, cause, expected) => {
      expect(await issuerStep(instance, iss)).toEqual({ cause, expected });
    });

    it('of another cloud, where many tenants are configured', async () => {
      expect(await issuerStep(Global, v2(UsGovernment), 'organizations')).toMatchObject({ cause: 'wrong_cloud' });
    });

    it.each([
      ['the v1.0 issuer of the cloud', Global, v1('https://sts.windows.net')],
      ["the v1.0 issuer of the US Government's cloud", UsGovernment, v1('https://sts.windows.net')],
      ['another host of the cloud', China, v2('https://login.chinacloudapi.cn')],
      ['the host of the External ID tenant', externalId('contoso'), v2(externalId(elsewhere))],
      ['External ID behind a custom domain', 'https://login.contoso.com', v2(externalId(elsewhere))],
      ['Entra ID behind a custom domain', 'https://login.contoso.com', v2(UsGovernment)],
    ])('but not %s', async (_, instance, iss) => {
      expect(await issuerStep(instance, iss)).toMatchObject({ cause: undefined, expected: iss });
    });
  });

  it('fails the step `key` if it cannot be reached, and the claims are still checked', async () => {
    issuer.setFault({ status: 404 });
    const said = await run([...entraFlags(), '--json', await issuer.token({ aud: graph })]);
    const { steps, verdict } = read(said);
    expect(failing({ steps })).toEqual({ key: 'no_keys', audience: 'graph_token' });
    expect(steps.find(({ step }) => step === 'key')?.found).toContain('answered 404');
    expect(verdict).toMatchObject({ httpStatus: 503, code: 'issuer_unavailable' });
    expect(verdict.remedy).toMatch(
      /could not be loaded\. GET http:.* answered 404\. Look at tenantId and instance \(B2C: .*\)\.$/,
    );
    expect(said.code).toBe(3);
  });
});
