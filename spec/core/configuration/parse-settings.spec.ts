import { describe, expect, it, vi } from 'vitest';
import { optionsFromEnvironment } from '../../../src/core/configuration/environment.js';
import type { IdentityOptions } from '../../../src/core/configuration/options.js';
import { parseSettings } from '../../../src/core/configuration/parse-settings.js';
import { ConfigurationError } from '../../../src/core/errors.js';
import { Cloud } from '../../../src/core/microsoft-hosts.js';
import { errorOf } from '../../support/refusals.js';

const tenantId = '11111111-2222-4333-8444-555555555555';
const clientId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const otherId = '99999999-2222-4333-8444-555555555555';
const entra = { tenantId, clientId };
const b2c = { domainName: 'contoso', policies: 'B2C_1_susi', tenantId, clientId };

const parse = (options: unknown) => parseSettings(options as IdentityOptions);

/** The message that options are refused with. */
function refusalOf(options: unknown): string {
  try {
    parse(options);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ code: 'invalid_configuration', status: 500, expose: false });
    return (error as Error).message;
  }
  return expect.fail('the options were taken');
}

const takesTenant = "it takes a tenant GUID, a verified domain, or 'organizations', 'common' or 'consumers'";
const takesApplication = 'it takes an application (client) id, which is a GUID';
const takesAudience = 'it takes an audience without white space';
const takesInstance =
  'it takes an https origin such as Cloud.Global, without a path unless it is a tenant on ciamlogin.com (http for a loopback address alone)';
const takesB2cInstance =
  'it takes an https origin such as https://contoso.b2clogin.com, without a path (http for a loopback address alone)';
const takesTenants = "it takes a list of tenant GUIDs, '*', or a function";
const takesClients = 'it takes a list of application (client) ids';
const takesDomainName = "it takes the tenant's name, such as contoso for contoso.onmicrosoft.com";
const takesPolicy = 'it takes a user flow or custom policy name such as B2C_1_signin';
const takesResource = 'it takes the https URL of the API, without query and fragment';
const takesCustomDomain = 'it takes a bare host name such as login.contoso.com, which has B2C behind it';

describe('Entra ID', () => {
  it('takes a tenant and a client, and fills in the rest', () => {
    expect(parse(entra)).toMatchObject({
      entra: {
        kind: 'entra',
        tenantId,
        audiences: [clientId, `api://${clientId}`],
        instance: 'https://login.microsoftonline.com',
        allowedTenants: undefined,
      },
      b2c: undefined,
      allowedClients: undefined,
      clockToleranceSeconds: 5,
      errors: 'respond',
    });
    expect(parse(entra).tokenCacheEntries).toBeGreaterThan(0);
  });

  it('reads ids in any case, as portals and scripts write them', () => {
    const settings = parse({
      tenantId: tenantId.toUpperCase(),
      clientId: clientId.toUpperCase(),
      allowedClients: [clientId.toUpperCase()],
    });
    expect(settings.entra).toMatchObject({ tenantId, audiences: [clientId, `api://${clientId}`] });
    expect(settings.allowedClients).toEqual(new Set([clientId]));
  });

  it.each(['contoso.onmicrosoft.com', 'contoso.com', 'login.contoso.co.uk', 'consumers'])(
    'takes the tenant %s',
    (name) => {
      expect(parse({ tenantId: name, clientId }).entra?.tenantId).toBe(name);
    },
  );

  it.each<[unknown, readonly string[]]>([
    ['https://api.example', ['https://api.example']],
    [
      ['https://api.example/', 'api://other'],
      ['https://api.example/', 'api://other'],
    ],
    ['API://Mixed/Case', ['API://Mixed/Case']],
    [clientId, []],
    [['a', 'a'], ['a']],
  ])('takes the audience %j beside those of the client id', (audience, beside) => {
    expect(parse({ ...entra, audience }).entra?.audiences).toEqual([clientId, `api://${clientId}`, ...beside]);
  });

  it.each([
    ['https://login.microsoftonline.us', 'https://login.microsoftonline.us'],
    ['https://login.microsoftonline.com/', 'https://login.microsoftonline.com'],
    ['https://contoso.ciamlogin.com', 'https://contoso.ciamlogin.com'],
    ['HTTPS://Login.Contoso.com', 'https://login.contoso.com'],
    ['https://login.contoso.com:8443', 'https://login.contoso.com:8443'],
    ['http://localhost:8080', 'http://localhost:8080'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://127.1.2.3', 'http://127.1.2.3'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
  ])('takes the instance %s', (instance, origin) => {
    expect(parse({ ...entra, instance }).entra?.instance).toBe(origin);
  });

  it.each<[string, string]>([
    [Cloud.Global, 'https://login.microsoftonline.com'],
    [Cloud.UsGovernment, 'https://login.microsoftonline.us'],
    [Cloud.China, 'https://login.partner.microsoftonline.cn'],
    ['https://login.chinacloudapi.cn', 'https://login.chinacloudapi.cn'],
    ['https://login-us.microsoftonline.com', 'https://login-us.microsoftonline.com'],
  ])('takes the cloud %s', (instance, origin) => {
    expect(parse({ ...entra, instance }).entra?.instance).toBe(origin);
  });

  it.each(['organizations', 'common'])('takes %s with a function that says which tenants are allowed', (name) => {
    const allowedTenants = (tid: string) => tid === tenantId;
    expect(parse({ tenantId: name, clientId, allowedTenants }).entra?.allowedTenants).toBe(allowedTenants);
  });

  it('does not ask the function for allowedTenants before there is a token', () => {
    const allowedTenants = vi.fn(() => true);
    parse({ tenantId: 'organizations', clientId, allowedTenants });
    expect(allowedTenants).not.toHaveBeenCalled();
  });

  it.each(['organizations', 'common'])('takes %s with the tenants that are allowed', (name) => {
    expect(parse({ tenantId: name, clientId, allowedTenants: '*' }).entra?.allowedTenants).toBe('*');
    expect(
      parse({ tenantId: name, clientId, allowedTenants: [tenantId.toUpperCase(), otherId] }).entra?.allowedTenants,
    ).toEqual(new Set([tenantId, otherId]));
  });
});

describe('External ID', () => {
  it.each([
    ['its host', 'https://contoso.ciamlogin.com', 'contoso.onmicrosoft.com', 'contoso.onmicrosoft.com'],
    ['its host and a slash', 'https://contoso.ciamlogin.com/', 'contoso.onmicrosoft.com', 'contoso.onmicrosoft.com'],
    ['its host in upper case', 'https://CONTOSO.ciamlogin.com', 'contoso.onmicrosoft.com', 'contoso.onmicrosoft.com'],
    ['its host, which is its GUID', `https://${tenantId}.ciamlogin.com`, tenantId, tenantId],
    [
      'a domain in the path',
      'https://contoso.ciamlogin.com/fabrikam.onmicrosoft.com',
      'fabrikam.onmicrosoft.com',
      'fabrikam.onmicrosoft.com',
    ],
    ['a GUID in the path', `https://contoso.ciamlogin.com/${tenantId}`, tenantId, tenantId],
    ['a GUID in the path and a slash', `https://contoso.ciamlogin.com/${tenantId}/`, tenantId, tenantId],
    ['a GUID in the path in upper case', `https://contoso.ciamlogin.com/${clientId.toUpperCase()}`, clientId, clientId],
  ])('finds the tenant that is left out in %s', (_, instance, tenant, tenantPath) => {
    const settings = parse({ clientId, instance }).entra;
    expect(settings).toMatchObject({ tenantId: tenant, tenantPath, audiences: [clientId, `api://${clientId}`] });
    expect(settings?.instance).toBe(new URL(instance).origin);
  });

  it.each([
    ['no path', 'https://contoso.ciamlogin.com', tenantId],
    ['its GUID as path', `https://contoso.ciamlogin.com/${tenantId.toUpperCase()}`, tenantId],
    ['its domain as path', 'https://contoso.ciamlogin.com/contoso.onmicrosoft.com', 'contoso.onmicrosoft.com'],
  ])('takes the tenant named beside an instance with %s', (_, instance, tenantPath) => {
    expect(parse({ ...entra, instance }).entra).toMatchObject({ tenantId, tenantPath });
  });

  it('stands beside B2C, whose tenant is its own', () => {
    const { domainName, policies } = b2c;
    const settings = parse({ clientId, instance: 'https://fabrikam.ciamlogin.com', b2c: { domainName, policies } });
    expect(settings.entra?.tenantId).toBe('fabrikam.onmicrosoft.com');
    expect(settings.b2c).toMatchObject({ domainName: 'contoso', tenantId: undefined });
  });

  it.each([
    ['the host of another authority', 'https://login.contoso.com'],
    ['a host further down', 'https://a.contoso.ciamlogin.com'],
    ['the bare domain', 'https://ciamlogin.com'],
    ['a domain that ends alike', 'https://contoso.evilciamlogin.com'],
  ])('does not find a tenant in %s', (_, instance) => {
    expect(parse({ ...entra, instance }).entra?.tenantId).toBe(tenantId);
    expect(refusalOf({ clientId, instance })).toMatch(/^initialize: tenantId: got undefined; /);
  });
});

describe('B2C', () => {
  it('takes a tenant of its own, alone', () => {
    expect(parse({ b2c })).toMatchObject({
      entra: undefined,
      b2c: {
        kind: 'b2c',
        domainName: 'contoso',
        tenantId,
        audiences: [clientId, `api://${clientId}`],
        instances: ['https://contoso.b2clogin.com'],
        policies: ['B2C_1_susi'],
      },
    });
  });

  it('falls back to the ids above, and with both there configures Entra ID too', () => {
    const { domainName, policies } = b2c;
    const settings = parse({ ...entra, b2c: { domainName, policies } });
    expect(settings.b2c).toMatchObject({ tenantId, audiences: [clientId, `api://${clientId}`] });
    expect(settings.entra).toMatchObject({ tenantId });
  });

  it('prefers its own ids to those above', () => {
    const settings = parse({ ...entra, b2c: { ...b2c, tenantId: otherId, clientId: otherId } });
    expect(settings.b2c).toMatchObject({ tenantId: otherId, audiences: [otherId, `api://${otherId}`] });
    expect(settings.entra).toMatchObject({ tenantId, audiences: [clientId, `api://${clientId}`] });
  });

  it('is configured alone where only one of the ids stands above', () => {
    const { domainName, policies } = b2c;
    expect(parse({ clientId, b2c: { domainName, policies } }).entra).toBeUndefined();
    expect(parse({ tenantId, b2c: { domainName, policies, clientId } }).entra).toBeUndefined();
  });

  it('leaves the tenant open where the one above is no GUID', () => {
    const { domainName, policies } = b2c;
    const settings = parse({ tenantId: 'contoso.onmicrosoft.com', clientId, b2c: { domainName, policies } });
    expect(settings.b2c?.tenantId).toBeUndefined();
  });

  it.each(['contoso', 'Contoso', 'contoso.onmicrosoft.com', 'CONTOSO.OnMicrosoft.com'])(
    'takes the domain name %s',
    (domainName) => {
      expect(parse({ b2c: { ...b2c, domainName } }).b2c).toMatchObject({
        domainName: 'contoso',
        instances: ['https://contoso.b2clogin.com'],
      });
    },
  );

  it('takes a list of policies, each of them once', () => {
    const policies = ['B2C_1_susi', 'B2C_1A_sign-in', 'B2C_1_susi'];
    expect(parse({ b2c: { ...b2c, policies } }).b2c?.policies).toEqual(['B2C_1_susi', 'B2C_1A_sign-in']);
  });

  it.each([
    [{ customDomain: 'login.contoso.com' }, 'https://login.contoso.com'],
    [{ instance: 'https://contoso.b2clogin.us/' }, 'https://contoso.b2clogin.us'],
    [{ instance: 'http://localhost:8080' }, 'http://localhost:8080'],
  ])('takes the host of %j', (host, origin) => {
    expect(parse({ b2c: { ...b2c, ...host } }).b2c?.instances).toEqual([origin]);
  });

  it.each([
    [
      'a custom domain beside b2clogin.com',
      { customDomain: 'login.contoso.com', instance: 'https://contoso.b2clogin.com' },
      ['https://login.contoso.com', 'https://contoso.b2clogin.com'],
    ],
    [
      'one host, named twice',
      { customDomain: 'Login.Contoso.com', instance: 'https://login.contoso.com/' },
      ['https://login.contoso.com'],
    ],
  ])('takes %s', (_, hosts, instances) => {
    expect(parse({ b2c: { ...b2c, ...hosts } }).b2c?.instances).toEqual(instances);
  });

  it('takes audiences of its own', () => {
    expect(parse({ ...entra, audience: 'a', b2c: { ...b2c, audience: ['b'] } }).b2c?.audiences).toEqual([
      clientId,
      `api://${clientId}`,
      'b',
    ]);
  });
});

describe('the other options', () => {
  it.each([0, 2.5, 300])('take a tolerance of %d seconds', (clockToleranceSeconds) => {
    expect(parse({ ...entra, clockToleranceSeconds }).clockToleranceSeconds).toBe(clockToleranceSeconds);
  });

  it.each(['respond', 'forward'])('take %s for errors', (errors) => {
    expect(parse({ ...entra, errors }).errors).toBe(errors);
  });

  it.each([
    [false, 0],
    [{ maxEntries: 1 }, 1],
    [{ maxEntries: 1_000_000 }, 1_000_000],
  ])('take %j for tokenCache', (tokenCache, entries) => {
    expect(parse({ ...entra, tokenCache }).tokenCacheEntries).toBe(entries);
  });

  it.each([[{}], [undefined], [{ maxEntries: undefined }]])('take the default for the tokenCache %j', (tokenCache) => {
    expect(parse({ ...entra, tokenCache }).tokenCacheEntries).toBe(parse(entra).tokenCacheEntries);
  });

  it('take any option given as undefined for one left out', () => {
    const names = [
      'audience',
      'instance',
      'allowedTenants',
      'allowedClients',
      'b2c',
      'clockToleranceSeconds',
      'errors',
      'resolveGroups',
      'resourceMetadata',
      'diagnostics',
    ];
    const left = Object.fromEntries([...names, 'tokenCache', 'fetch', 'now'].map((name) => [name, undefined]));
    expect(parse({ ...entra, ...left }).entra).toEqual(parse(entra).entra);
  });

  it('take a fetch and a clock', async () => {
    const fetch = vi.fn(() => Promise.resolve(new Response('{}')));
    const settings = parse({ ...entra, fetch, now: () => 1_234 });
    expect(settings.now()).toBe(1_234);
    await settings.fetch('https://login.example');
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('go by the global fetch of the moment where none is given', async () => {
    const settings = parse(entra);
    const fetch = vi.fn(() => Promise.resolve(new Response('{}')));
    vi.stubGlobal('fetch', fetch);
    try {
      await settings.fetch('https://login.example');
    } finally {
      vi.unstubAllGlobals();
    }
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it.each([[NaN], [Infinity], ['0'], [undefined], [new Date(0)]])(
    'refuse a clock that starts to answer %s',
    (nonsense: unknown) => {
      let answer: unknown = 0;
      const { now } = parse({ ...entra, now: () => answer });
      expect(now()).toBe(0);
      answer = nonsense;
      expect(now).toThrow(ConfigurationError);
      expect(refusalOf({ ...entra, now: () => nonsense })).toContain('initialize: now: ');
    },
  );

  it.each([true, false])('take %s for diagnostics', (diagnostics) => {
    expect(parse({ ...entra, diagnostics }).diagnostics).toBe(diagnostics);
  });

  it('leave diagnostics, groups and metadata open where they are not given', () => {
    const { diagnostics, resolveGroups, resourceMetadata } = parse(entra);
    expect([diagnostics, resolveGroups, resourceMetadata]).toEqual([undefined, undefined, undefined]);
  });

  describe('resolveGroups', () => {
    const claims = { iss: 'iss', aud: 'aud', exp: 0, oid: 'oid' };
    const resolve = (answer: () => unknown) => parse({ ...entra, resolveGroups: answer }).resolveGroups?.(claims);

    it.each<[string, () => unknown]>([
      ['at once', () => ['a', 'b']],
      ['later', () => Promise.resolve(['a', 'b'])],
    ])('gives its groups %s', async (_, answer) => {
      expect(await resolve(answer)).toEqual(['a', 'b']);
    });

    it('is asked with the claims', async () => {
      const answer = vi.fn(() => ['a']);
      await resolve(answer);
      expect(answer).toHaveBeenCalledExactlyOnceWith(claims);
    });

    it.each<[string, unknown]>([
      ['nothing', undefined],
      ['null', null],
      ['a text', 'a'],
      ['an object', { value: ['a'] }],
      ['a set', new Set(['a'])],
      ['a list of objects', [{ id: 'a' }]],
      ['a list with a number', ['a', 1]],
    ])('fails where it gives %s', async (_, answer) => {
      for (const form of [() => answer, () => Promise.resolve(answer)]) {
        const error = await errorOf(() => resolve(form));
        expect(error).toBeInstanceOf(ConfigurationError);
        expect((error as Error).message).toMatch(/^initialize: resolveGroups: returned /);
      }
    });

    it('fails with the cause where it throws or rejects', async () => {
      const cause = new Error('Graph said 503');
      const throws = () => {
        throw cause;
      };
      for (const form of [throws, () => Promise.reject(cause)]) {
        const error = await errorOf(() => resolve(form));
        expect(error).toBeInstanceOf(ConfigurationError);
        expect(error).toMatchObject({ cause, message: 'initialize: resolveGroups: threw an error.' });
      }
    });
  });

  it('refuse a clock that throws', () => {
    const broken = () => {
      throw new TypeError('broken');
    };
    expect(refusalOf({ ...entra, now: broken })).toContain('initialize: now: ');
  });
});

describe('a wrong option', () => {
  it.each<[string, unknown, string]>([
    ['tenantId', 'my-tenant', `got a string of 9 characters; ${takesTenant}`],
    ['tenantId', '', `got an empty string; ${takesTenant}`],
    ['tenantId', 'Organizations', `got a string of 13 characters; ${takesTenant}`],
    ['tenantId', 'contoso..com', `got a string of 12 characters; ${takesTenant}`],
    ['tenantId', ' contoso.com', `got a string of 12 characters; ${takesTenant}`],
    ['tenantId', `{${tenantId}}`, `got a string of 38 characters; ${takesTenant}`],
    ['tenantId', 'contoso.com/v2.0', `got a string of 16 characters; ${takesTenant}`],
    ['tenantId', 5, `got 5; ${takesTenant}`],
    ['tenantId', null, `got null; ${takesTenant}`],
    ['tenantId', [tenantId], `got a list of 1; ${takesTenant}`],
    ['clientId', 'sEcr3t~sEcr3t~sEcr3t~sEcr3t', `got a string of 27 characters; ${takesApplication}`],
    ['clientId', 'short', `got a string of 5 characters; ${takesApplication}`],
    ['clientId', `api://${clientId}`, `got a string of 42 characters; ${takesApplication}`],
    ['clientId', true, `got true; ${takesApplication}`],
    ['clientId', {}, `got an object; ${takesApplication}`],
    ['audience', '', `got an empty string; ${takesAudience}`],
    ['audience', 'a b', `got a string of 3 characters; ${takesAudience}`],
    ['audience', 5, `got 5; ${takesAudience}`],
    ['audience', [], 'got an empty list; it takes an audience or a list of them'],
    ['audience', ['a', ''], `got an empty string; ${takesAudience}`],
    ['audience', ['a', 5], `got 5; ${takesAudience}`],
    ['instance', 'http://login.microsoftonline.com', `got 'http://login.microsoftonline.com'; ${takesInstance}`],
    [
      'instance',
      'https://login.microsoftonline.com/common',
      `got 'https://login.microsoftonline.com/common'; ${takesInstance}`,
    ],
    ['instance', 'ftp://login.example', `got 'ftp://login.example'; ${takesInstance}`],
    ['instance', 'http://127.0.0.1.example', `got 'http://127.0.0.1.example'; ${takesInstance}`],
    ['instance', 'http://10.0.0.1', `got 'http://10.0.0.1'; ${takesInstance}`],
    ['instance', 'https://user:secret@login.example', `got a string of 33 characters; ${takesInstance}`],
    ['instance', 'https://secret@login.example', `got a string of 28 characters; ${takesInstance}`],
    ['instance', 'https://login.example?code=secret', `got a string of 33 characters; ${takesInstance}`],
    ['instance', 'https://login.example#secret', `got a string of 28 characters; ${takesInstance}`],
    ['instance', 'login.microsoftonline.com', `got a string of 25 characters; ${takesInstance}`],
    ['instance', false, `got false; ${takesInstance}`],
    ['instance', 'https://login.microsoftonline.uk', `got 'https://login.microsoftonline.uk'; ${takesInstance}`],
    ['instance', 'https://login.microsoftonline.de', `got 'https://login.microsoftonline.de'; ${takesInstance}`],
    [
      'instance',
      'https://login.microsoftonline.com.example',
      `got 'https://login.microsoftonline.com.example'; ${takesInstance}`,
    ],
    ['instance', 'https://evil.microsoftonline.com', `got 'https://evil.microsoftonline.com'; ${takesInstance}`],
    ['instance', 'https://microsoftonline.us', `got 'https://microsoftonline.us'; ${takesInstance}`],
    ['instance', 'https://login.chinacloudapi.com', `got 'https://login.chinacloudapi.com'; ${takesInstance}`],
    [
      'instance',
      'https://login.contoso.com/contoso.onmicrosoft.com',
      `got 'https://login.contoso.com/contoso.onmicrosoft.com'; ${takesInstance}`,
    ],
    [
      'instance',
      `https://contoso.ciamlogin.com.example/${tenantId}`,
      `got 'https://contoso.ciamlogin.com.example/${tenantId}'; ${takesInstance}`,
    ],
    [
      'instance',
      'https://contoso.ciamlogin.com/contoso',
      `got 'https://contoso.ciamlogin.com/contoso'; ${takesInstance}`,
    ],
    [
      'instance',
      `https://contoso.ciamlogin.com/${tenantId}/v2.0`,
      `got 'https://contoso.ciamlogin.com/${tenantId}/v2.0'; ${takesInstance}`,
    ],
    [
      'instance',
      `http://contoso.ciamlogin.com/${tenantId}`,
      `got 'http://contoso.ciamlogin.com/${tenantId}'; ${takesInstance}`,
    ],
    [
      'instance',
      `https://user:secret@contoso.ciamlogin.com/${tenantId}`,
      `got a string of 78 characters; ${takesInstance}`,
    ],
    ['diagnostics', 1, 'got 1; it takes true or false'],
    ['diagnostics', 'true', "got 'true'; it takes true or false"],
    ['diagnostics', null, 'got null; it takes true or false'],
    ['diagnostics', {}, 'got an object; it takes true or false'],
    ['resolveGroups', ['a'], 'got a list of 1; it takes a function of the claims'],
    ['resolveGroups', true, 'got true; it takes a function of the claims'],
    [
      'resolveGroups',
      'https://graph.microsoft.com?key=secret',
      'got a string of 38 characters; it takes a function of the claims',
    ],
    ['resolveGroups', null, 'got null; it takes a function of the claims'],
    ['resourceMetadata', 'https://api.example', 'got a string of 19 characters; it takes an object of options'],
    ['resourceMetadata', null, 'got null; it takes an object of options'],
    ['allowedClients', [], `got an empty list; ${takesClients}`],
    ['allowedClients', clientId, `got a string of 36 characters; ${takesClients}`],
    ['allowedClients', '*', `got a string of 1 characters; ${takesClients}`],
    ['allowedClients', ['my-client'], `got a string of 9 characters; ${takesApplication}`],
    ['allowedClients', [clientId, null], `got null; ${takesApplication}`],
    ['clockToleranceSeconds', -1, 'got -1; it takes a number from 0 to 300'],
    ['clockToleranceSeconds', 300.5, 'got 300.5; it takes a number from 0 to 300'],
    ['clockToleranceSeconds', NaN, 'got NaN; it takes a number from 0 to 300'],
    ['clockToleranceSeconds', Infinity, 'got Infinity; it takes a number from 0 to 300'],
    ['clockToleranceSeconds', '5', "got '5'; it takes a number from 0 to 300"],
    ['clockToleranceSeconds', null, 'got null; it takes a number from 0 to 300'],
    ['errors', 'Respond', "got 'Respond'; it takes 'respond' or 'forward'"],
    ['errors', true, "got true; it takes 'respond' or 'forward'"],
    ['errors', 'x'.repeat(21), "got a string of 21 characters; it takes 'respond' or 'forward'"],
    ['tokenCache', true, 'got true; it takes false, or { maxEntries }'],
    ['tokenCache', 0, 'got 0; it takes false, or { maxEntries }'],
    ['tokenCache', null, 'got null; it takes false, or { maxEntries }'],
    ['fetch', 'node-fetch', "got 'node-fetch'; it takes a function like the global fetch"],
    ['fetch', {}, 'got an object; it takes a function like the global fetch'],
    ['now', 1_234, 'got 1234; it takes a function that returns milliseconds since the epoch'],
    ['now', new Date(0), 'got an object; it takes a function that returns milliseconds since the epoch'],
  ])('is named: %s %j', (option, value, problem) => {
    expect(parse(entra).entra).toBeDefined();
    expect(refusalOf({ ...entra, [option]: value })).toBe(`initialize: ${option}: ${problem}.`);
  });

  it.each<[unknown, string]>([
    [[], `got an empty list; ${takesTenants}`],
    ['all', `got 'all'; ${takesTenants}`],
    [tenantId, `got a string of 36 characters; ${takesTenants}`],
    [['*'], 'got a string of 1 characters; it takes a tenant id, which is a GUID'],
    [['contoso.com'], 'got a string of 11 characters; it takes a tenant id, which is a GUID'],
    [[tenantId, 5], 'got 5; it takes a tenant id, which is a GUID'],
    [true, `got true; ${takesTenants}`],
  ])('is named: allowedTenants %j', (allowedTenants, problem) => {
    const options = { tenantId: 'organizations', clientId };
    expect(parse({ ...options, allowedTenants: '*' }).entra).toBeDefined();
    expect(refusalOf({ ...options, allowedTenants })).toBe(`initialize: allowedTenants: ${problem}.`);
  });

  it.each<[string, unknown, string]>([
    ['domainName', 'contoso.com', `got a string of 11 characters; ${takesDomainName}`],
    ['domainName', 'con toso', `got a string of 8 characters; ${takesDomainName}`],
    ['domainName', '-contoso', `got '-contoso'; ${takesDomainName}`],
    ['domainName', '', `got an empty string; ${takesDomainName}`],
    ['domainName', 5, `got 5; ${takesDomainName}`],
    ['policies', '', `got an empty string; ${takesPolicy}`],
    ['policies', 'a/b', `got a string of 3 characters; ${takesPolicy}`],
    ['policies', '../common', `got a string of 9 characters; ${takesPolicy}`],
    ['policies', 'a b', `got a string of 3 characters; ${takesPolicy}`],
    ['policies', 5, `got 5; ${takesPolicy}`],
    ['policies', ['a', null], `got null; ${takesPolicy}`],
    ['policies', [], 'got an empty list; it takes a policy name or a list of them'],
    ['tenantId', 'contoso.onmicrosoft.com', 'got a string of 23 characters; it takes a tenant id, which is a GUID'],
    ['tenantId', 'organizations', 'got a string of 13 characters; it takes a tenant id, which is a GUID'],
    ['clientId', 'short', `got a string of 5 characters; ${takesApplication}`],
    ['audience', 'a b', `got a string of 3 characters; ${takesAudience}`],
    ['instance', 'http://contoso.b2clogin.com', `got 'http://contoso.b2clogin.com'; ${takesB2cInstance}`],
    ['instance', 'https://contoso.ciamlogin.com', `got 'https://contoso.ciamlogin.com'; ${takesB2cInstance}`],
    [
      'instance',
      'https://contoso.b2clogin.com/contoso.onmicrosoft.com',
      `got 'https://contoso.b2clogin.com/contoso.onmicrosoft.com'; ${takesB2cInstance}`,
    ],
    ['customDomain', 'contoso.ciamlogin.com', `got a string of 21 characters; ${takesCustomDomain}`],
    ['instance', 'https://login.microsoftonline.uk', `got 'https://login.microsoftonline.uk'; ${takesB2cInstance}`],
    ['customDomain', 'Login.MicrosoftOnline.uk', `got a string of 24 characters; ${takesCustomDomain}`],
    ['customDomain', 'CONTOSO.CIAMLOGIN.COM', `got a string of 21 characters; ${takesCustomDomain}`],
    ['customDomain', 'https://login.contoso.com', `got a string of 25 characters; ${takesCustomDomain}`],
    ['customDomain', 'login.contoso.com/path', `got a string of 22 characters; ${takesCustomDomain}`],
    ['customDomain', 'user:secret@login.contoso.com', `got a string of 29 characters; ${takesCustomDomain}`],
    ['customDomain', 'localhost', `got 'localhost'; ${takesCustomDomain}`],
    ['customDomain', true, `got true; ${takesCustomDomain}`],
  ])('is named with its path: b2c.%s %j', (option, value, problem) => {
    expect(parse({ b2c }).b2c).toBeDefined();
    expect(refusalOf({ b2c: { ...b2c, [option]: value } })).toBe(`initialize: b2c.${option}: ${problem}.`);
  });

  it.each<[unknown, string]>([
    [0, 'got 0'],
    [1.5, 'got 1.5'],
    [-1, 'got -1'],
    [1_000_001, 'got 1000001'],
    ['5', "got '5'"],
    [Infinity, 'got Infinity'],
  ])('is named with its path: tokenCache.maxEntries %j', (maxEntries, got) => {
    expect(refusalOf({ ...entra, tokenCache: { maxEntries } })).toBe(
      `initialize: tokenCache.maxEntries: ${got}; it takes a whole number from 1 to 1000000.`,
    );
  });

  it.each<[string, unknown, string]>([
    ['resource', 'http://api.example', `got 'http://api.example'; ${takesResource}`],
    ['resource', 'https://api.example?key=secret', `got a string of 30 characters; ${takesResource}`],
    ['resource', 'https://api.example/reports?key=secret', `got a string of 38 characters; ${takesResource}`],
    ['resource', 'https://api.example/#secret', `got a string of 27 characters; ${takesResource}`],
    ['resource', 'https://user:secret@api.example', `got a string of 31 characters; ${takesResource}`],
    ['resource', 'https://api.example/"', `got 'https://api.example/"'; ${takesResource}`],
    ['resource', 'api.example', `got a string of 11 characters; ${takesResource}`],
    ['resource', `api://${clientId}`, `got 'api://${clientId}'; ${takesResource}`],
    ['resource', 'https://api.example/#', `got a string of 21 characters; ${takesResource}`],
    ['resource', 'https://api.example/?', `got a string of 21 characters; ${takesResource}`],
    ['resource', ' https://api.example', `got a string of 20 characters; ${takesResource}`],
    ['resource', 'https://api.exa\nmple', `got a string of 20 characters; ${takesResource}`],
    ['resource', 'https:api.example', `got a string of 17 characters; ${takesResource}`],
    ['resource', '', `got an empty string; ${takesResource}`],
    ['resource', 5, `got 5; ${takesResource}`],
    ['scopes', 'reports.read', 'got a string of 12 characters; it takes a list of scope names'],
    ['scopes', [], 'got an empty list; it takes a list of scope names'],
    ['scopes', ['reports read'], 'got a string of 12 characters; it takes a scope name'],
    ['scopes', ['reports.read', ''], 'got an empty string; it takes a scope name'],
    ['scopes', ['a"b'], 'got a string of 3 characters; it takes a scope name'],
    ['scopes', [5], 'got 5; it takes a scope name'],
    ['name', ' ', 'got a string of 1 characters; it takes a name'],
    ['name', 5, 'got 5; it takes a name'],
    ['documentation', 'http://docs.example', `got 'http://docs.example'; it takes an https URL`],
    ['documentation', 'docs.example', 'got a string of 12 characters; it takes an https URL'],
  ])('is named with its path: resourceMetadata.%s %j', (option, value, problem) => {
    const resourceMetadata = { resource: 'https://api.example', scopes: ['reports.read'], name: 'Reports' };
    expect(parse({ ...entra, resourceMetadata }).resourceMetadata).toBeDefined();
    expect(refusalOf({ ...entra, resourceMetadata: { ...resourceMetadata, [option]: value } })).toBe(
      `initialize: resourceMetadata.${option}: ${problem}.`,
    );
  });

  it.each<[string, unknown, RegExp]>([
    ['b2c as a name', { ...entra, b2c: 'contoso' }, /^initialize: b2c: got 'contoso'; it takes /],
    ['b2c of null', { ...entra, b2c: null }, /^initialize: b2c: got null; it takes /],
    ['b2c as a list', { ...entra, b2c: [b2c] }, /^initialize: b2c: got a list of 1; it takes /],
    ['tokenCache as a list', { ...entra, tokenCache: [] }, /^initialize: tokenCache: got an empty list; it takes /],
    ['options as a word', 'contoso', /^initialize: the options: got 'contoso'; it takes /],
    [
      'options as a secret',
      's3cr3t~s3cr3t~s3cr3t~',
      /^initialize: the options: got a string of 21 characters; it takes /,
    ],
    ['options of null', null, /^initialize: the options: got null; it takes /],
    ['options left out', undefined, /^initialize: the options: got undefined; it takes /],
    ['options as a list', [entra], /^initialize: the options: got a list of 1; it takes /],
    ['options as a function', () => entra, /^initialize: the options: got a function; it takes /],
  ])('is named where an object is due: %s', (_, options, message) => {
    expect(refusalOf(options)).toMatch(message);
  });

  it.each<[string, unknown, RegExp]>([
    ['at the top', { ...entra, audiences: 'a' }, /^initialize: the options: .*'audiences'.* it takes .*\baudience\b/],
    [
      'in another case',
      { ...entra, clientID: clientId },
      /^initialize: the options: .*'clientID'.* it takes .*\bclientId\b/,
    ],
    ['that is long', { ...entra, clockToleranceInSeconds: 5 }, /'clockToleranceInSeconds'/],
    ['of undefined', { ...entra, validateIssuer: undefined }, /'validateIssuer'/],
    ['in b2c', { b2c: { ...b2c, policy: 'a' } }, /^initialize: b2c: .*'policy'.* it takes .*\bpolicies\b/],
    [
      'in tokenCache',
      { ...entra, tokenCache: { max: 5 } },
      /^initialize: tokenCache: .*'max'.* it takes .*\bmaxEntries\b/,
    ],
  ])('is named where there is no such option: one %s', (_, options, message) => {
    expect(refusalOf(options)).toMatch(message);
  });

  it('is named where it is left out: resourceMetadata.resource', () => {
    expect(refusalOf({ ...entra, resourceMetadata: { scopes: ['reports.read'] } })).toMatch(
      /^initialize: resourceMetadata\.resource: got undefined; it takes /,
    );
  });

  it('is refused where it would reach a prototype', () => {
    refusalOf({ ...entra, b2c: JSON.parse('{"__proto__":{"domainName":"a"}}') as unknown });
    refusalOf(JSON.parse(`{"__proto__":{},"tenantId":"${tenantId}","clientId":"${clientId}"}`));
  });
});

describe('options that do not go together', () => {
  it.each<[string, object, RegExp]>([
    ['a tenant without a client', { tenantId }, /^initialize: clientId: got undefined; /],
    ['a client without a tenant', { clientId }, /^initialize: tenantId: got undefined; /],
    ['nothing', {}, /tenantId and clientId .*b2c/],
    ['an instance alone', { instance: 'https://login.microsoftonline.us' }, /tenantId and clientId .*b2c/],
    [
      'organizations without a list',
      { tenantId: 'organizations', clientId },
      /^initialize: allowedTenants: got undefined; .*'organizations'/,
    ],
    [
      'common without a list',
      { tenantId: 'common', clientId },
      /^initialize: allowedTenants: got undefined; .*'common'/,
    ],
    ['a single tenant with a list', { ...entra, allowedTenants: [tenantId] }, /^initialize: allowedTenants: /],
    ['a single tenant with every tenant', { ...entra, allowedTenants: '*' }, /^initialize: allowedTenants: /],
    [
      'consumers with a list',
      { tenantId: 'consumers', clientId, allowedTenants: '*' },
      /^initialize: allowedTenants: /,
    ],
    [
      'a domain with a list',
      { tenantId: 'contoso.com', clientId, allowedTenants: '*' },
      /^initialize: allowedTenants: /,
    ],
    [
      'consumers with a function',
      { tenantId: 'consumers', clientId, allowedTenants: () => true },
      /^initialize: allowedTenants: /,
    ],
    ['a single tenant with a function', { ...entra, allowedTenants: () => true }, /^initialize: allowedTenants: /],
    ...['organizations', 'common', 'consumers'].map((name): [string, object, RegExp] => [
      `External ID and ${name}`,
      {
        tenantId: name,
        clientId,
        instance: 'https://contoso.ciamlogin.com',
        ...(name !== 'consumers' && { allowedTenants: '*' }),
      },
      new RegExp(`^initialize: tenantId: got '${name}'; `),
    ]),
    [
      'External ID and organizations in its path',
      { clientId, instance: 'https://contoso.ciamlogin.com/organizations', allowedTenants: '*' },
      /^initialize: (tenantId: got|instance: names) 'organizations'/,
    ],
    [
      'two tenants, one of them in the path',
      { ...entra, instance: `https://contoso.ciamlogin.com/${otherId}` },
      /^initialize: instance: .*another tenant/,
    ],
    [
      'two domains, one of them in the path',
      { tenantId: 'contoso.com', clientId, instance: 'https://contoso.ciamlogin.com/fabrikam.onmicrosoft.com' },
      /^initialize: instance: .*another tenant/,
    ],
    ...['organizations', 'common', 'consumers'].map((name): [string, object, RegExp] => [
      `a tenant, and ${name} in the path`,
      { ...entra, instance: `https://contoso.ciamlogin.com/${name}` },
      new RegExp(`^initialize: instance: names '${name}'`),
    ]),
    [
      'a tenant left out without a client',
      { instance: 'https://contoso.ciamlogin.com' },
      /^initialize: the options: need tenantId and clientId/,
    ],
    ['groups for B2C alone', { b2c, resolveGroups: () => [] }, /^initialize: resolveGroups: belongs to Entra ID/],
    ['tenants by a function for B2C alone', { b2c, allowedTenants: () => true }, /^initialize: allowedTenants: /],
    ['an audience for B2C alone', { b2c, audience: 'a' }, /^initialize: audience: .*b2c\.audience/],
    [
      'an instance for B2C alone',
      { b2c, instance: 'https://contoso.b2clogin.com' },
      /^initialize: instance: .*b2c\.instance/,
    ],
    ['tenants for B2C alone', { b2c, allowedTenants: '*' }, /^initialize: allowedTenants: /],
    [
      'B2C without a domain',
      { b2c: { ...b2c, domainName: undefined } },
      /^initialize: b2c\.domainName: got undefined; /,
    ],
    ['B2C without a policy', { b2c: { ...b2c, policies: undefined } }, /^initialize: b2c\.policies: got undefined; /],
    ['B2C without a client', { b2c: { ...b2c, clientId: undefined } }, /^initialize: b2c\.clientId: got undefined/],
    ['B2C without anything', { b2c: {} }, /^initialize: b2c\.domainName: got undefined; /],
    ['B2C without anything, beside Entra ID', { ...entra, b2c: {} }, /^initialize: b2c\.domainName: got undefined; /],
  ])('are refused: %s', (_, options, message) => {
    expect(refusalOf(options)).toMatch(message);
  });

  it('do not point to an option that does not exist', () => {
    expect(refusalOf({ b2c, allowedTenants: '*' })).not.toContain('b2c.allowedTenants');
  });
});

describe('settings', () => {
  const options = () => ({
    tenantId: 'organizations',
    clientId,
    audience: ['a'],
    allowedTenants: [tenantId],
    allowedClients: [clientId],
    b2c: { ...b2c, policies: ['B2C_1_susi'], audience: ['b'] },
    tokenCache: { maxEntries: 7 },
  });

  it('are frozen', () => {
    const settings = parse(options());
    const parts: unknown[] = [settings, settings.entra, settings.b2c];
    const lists = [settings.entra?.audiences, settings.b2c?.audiences, settings.b2c?.policies, settings.b2c?.instances];
    for (const part of [...parts, ...lists]) expect(Object.isFrozen(part)).toBe(true);
  });

  it('are copied, so that what is changed afterwards does not change them', () => {
    const given = options();
    const settings = parse(given);
    given.tenantId = tenantId;
    given.clientId = otherId;
    given.b2c.clientId = otherId;
    given.b2c.domainName = 'fabrikam';
    given.tokenCache.maxEntries = 1;
    for (const list of [given.audience, given.b2c.audience, given.b2c.policies]) list.push('later');
    for (const list of [given.allowedTenants, given.allowedClients]) list.push(otherId);
    const { entra, b2c, allowedClients, tokenCacheEntries } = parse(options());
    expect(settings).toMatchObject({ entra, b2c, allowedClients, tokenCacheEntries });
  });

  it('leave the options they are made of as they were', () => {
    const given = options();
    parse(given);
    expect(given).toEqual(options());
    expect(Object.isFrozen(given.audience)).toBe(false);
  });
});

describe('optionsFromEnvironment', () => {
  const fromEnvironment = (environment: Record<string, string>) => parse(optionsFromEnvironment(environment));
  const azureAd = { AzureAd__TenantId: tenantId, AzureAd__ClientId: clientId };
  const azureAdB2c = {
    AzureAdB2C__Domain: 'contoso.onmicrosoft.com',
    AzureAdB2C__TenantId: tenantId,
    AzureAdB2C__ClientId: clientId,
    AzureAdB2C__Policies: 'B2C_1_susi',
  };

  it('reads Entra ID', () => {
    expect(fromEnvironment(azureAd)).toMatchObject({ entra: { tenantId, audiences: [clientId, `api://${clientId}`] } });
    expect(
      fromEnvironment({
        ...azureAd,
        AzureAd__Instance: 'https://login.microsoftonline.us/',
        AzureAd__Audience: 'https://api.example',
      }).entra,
    ).toMatchObject({
      instance: 'https://login.microsoftonline.us',
      audiences: [clientId, `api://${clientId}`, 'https://api.example'],
    });
  });

  it.each(['contoso', 'contoso.onmicrosoft.com'])('reads B2C with the domain %s', (domain) => {
    const settings = fromEnvironment({ ...azureAdB2c, AzureAdB2C__Domain: domain });
    expect(settings).toMatchObject({
      entra: undefined,
      b2c: { domainName: 'contoso', tenantId, policies: ['B2C_1_susi'] },
    });
  });

  it('reads both', () => {
    const settings = fromEnvironment({ ...azureAd, ...azureAdB2c, AzureAdB2C__TenantId: otherId });
    expect(settings).toMatchObject({ entra: { tenantId }, b2c: { tenantId: otherId } });
  });

  it('splits the policies at commas', () => {
    const policies = 'B2C_1_susi, B2C_1_edit,B2C_1A_signin';
    expect(fromEnvironment({ ...azureAdB2c, AzureAdB2C__Policies: policies }).b2c?.policies).toEqual([
      'B2C_1_susi',
      'B2C_1_edit',
      'B2C_1A_signin',
    ]);
  });

  it.each([',', 'B2C_1_susi,', 'B2C_1_susi,,B2C_1_edit'])(
    'refuses the policies %s, of which one is blank',
    (policies) => {
      expect(() => fromEnvironment({ ...azureAdB2c, AzureAdB2C__Policies: policies })).toThrow(/b2c\.policies/);
    },
  );

  it('reads the sign-up or sign-in policy where there is no list', () => {
    const environment = { ...azureAdB2c, AzureAdB2C__Policies: '', AzureAdB2C__SignUpSignInPolicyId: 'B2C_1_first' };
    expect(fromEnvironment(environment).b2c?.policies).toEqual(['B2C_1_first']);
    expect(fromEnvironment({ ...environment, AzureAdB2C__Policies: ' ' }).b2c?.policies).toEqual(['B2C_1_first']);
    expect(fromEnvironment({ ...environment, AzureAdB2C__Policies: 'B2C_1_list' }).b2c?.policies).toEqual([
      'B2C_1_list',
    ]);
  });

  it('takes blank values for none, and trims the others', () => {
    const blank = { AzureAd__Instance: '', AzureAd__Audience: ' ', AzureAdB2C__Domain: '', AzureAdB2C__ClientId: '\t' };
    const settings = fromEnvironment({
      AzureAd__TenantId: ` ${tenantId} `,
      AzureAd__ClientId: `${clientId}\n`,
      ...blank,
    });
    expect(settings.entra).toEqual(parse(entra).entra);
    expect(settings.b2c).toBeUndefined();
  });

  it.each<[string, keyof typeof azureAdB2c, RegExp]>([
    ['a domain', 'AzureAdB2C__Domain', /^initialize: b2c\.domainName: got undefined; /],
    ['a policy', 'AzureAdB2C__Policies', /^initialize: b2c\.policies: got undefined; /],
    ['a client', 'AzureAdB2C__ClientId', /^initialize: b2c\.clientId: got undefined/],
  ])('refuses half a B2C configuration: one without %s', (_, name, message) => {
    const half = Object.fromEntries(Object.entries(azureAdB2c).filter(([key]) => key !== name));
    expect(refusalOf(optionsFromEnvironment(half))).toMatch(message);
  });

  it.each<[keyof typeof azureAd, RegExp]>([
    ['AzureAd__TenantId', /^initialize: tenantId: got undefined; /],
    ['AzureAd__ClientId', /^initialize: clientId: got undefined; /],
  ])('refuses half an Entra ID configuration: one without %s', (name, message) => {
    const half = Object.fromEntries(Object.entries(azureAd).filter(([key]) => key !== name));
    expect(refusalOf(optionsFromEnvironment(half))).toMatch(message);
  });

  it.each<[string, Record<string, string>]>([
    ['workload identity', { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId }],
    ['another case', { AZUREAD__TENANTID: tenantId, AZUREAD__CLIENTID: clientId }],
    ['another separator', { 'AzureAd:TenantId': tenantId, 'AzureAd:ClientId': clientId }],
    ['nobody', {}],
  ])('leaves alone the names of %s', (_, environment) => {
    expect(refusalOf(optionsFromEnvironment(environment))).toMatch(/tenantId and clientId .*b2c/);
  });

  it('names a wrong value without showing it', () => {
    expect(refusalOf(optionsFromEnvironment({ ...azureAd, AzureAd__ClientId: 's3cr3t' }))).toBe(
      `initialize: clientId: got a string of 6 characters; ${takesApplication}.`,
    );
  });
});

describe('the tenant of B2C', () => {
  it('is pinned in lower case, as issuers spell it', () => {
    const upper = 'AAAAAAAA-2222-4333-8444-555555555555';
    const given = { domainName: 'contoso', policies: 'B2C_1_susi', clientId: upper };
    expect(parseSettings({ b2c: { ...given, tenantId: upper } }).b2c?.tenantId).toBe(upper.toLowerCase());
    expect(parseSettings({ tenantId: upper, clientId: upper, b2c: given }).b2c?.tenantId).toBe(upper.toLowerCase());
  });
});
