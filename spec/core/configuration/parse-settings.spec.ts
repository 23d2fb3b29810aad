import { describe, expect, it, vi } from 'vitest';
import { parseSettings } from '../../../src/core/configuration/parse-settings.js';
import { ConfigurationError } from '../../../src/core/errors.js';
import { Cloud } from '../../../src/core/microsoft-hosts.js';
import { errorOf } from '../../support/refusals.js';
import { b2c, clientId, entra, otherId, parse, refusalOf, tenantId } from './given-options.js';

describe('Entra ID', () => {
  it('accepts a tenant and a client, and fills in defaults', () => {
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

  it('accepts ids in either letter case, as portals and scripts write them', () => {
    const settings = parse({
      tenantId: tenantId.toUpperCase(),
      clientId: clientId.toUpperCase(),
      allowedClients: [clientId.toUpperCase()],
    });
    expect(settings.entra).toMatchObject({ tenantId, audiences: [clientId, `api://${clientId}`] });
    expect(settings.allowedClients).toEqual(new Set([clientId]));
  });

  it.each(['contoso.onmicrosoft.com', 'contoso.com', 'login.contoso.co.uk', 'consumers'])(
    'accepts the tenant %s',
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
  ])('accepts the audience %j in addition to those of the client id', (audience, beside) => {
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
  ])('accepts the instance %s', (instance, origin) => {
    expect(parse({ ...entra, instance }).entra?.instance).toBe(origin);
  });

  it.each<[string, string]>([
    [Cloud.Global, 'https://login.microsoftonline.com'],
    [Cloud.UsGovernment, 'https://login.microsoftonline.us'],
    [Cloud.China, 'https://login.partner.microsoftonline.cn'],
    ['https://login.chinacloudapi.cn', 'https://login.chinacloudapi.cn'],
    ['https://login-us.microsoftonline.com', 'https://login-us.microsoftonline.com'],
  ])('accepts the cloud %s', (instance, origin) => {
    expect(parse({ ...entra, instance }).entra?.instance).toBe(origin);
  });

  it.each(['organizations', 'common'])('accepts %s with a function that decides which tenants are allowed', (name) => {
    const allowedTenants = (tid: string) => tid === tenantId;
    expect(parse({ tenantId: name, clientId, allowedTenants }).entra?.allowedTenants).toBe(allowedTenants);
  });

  it('does not call allowedTenants before there is a token', () => {
    const allowedTenants = vi.fn(() => true);
    parse({ tenantId: 'organizations', clientId, allowedTenants });
    expect(allowedTenants).not.toHaveBeenCalled();
  });

  it.each(['organizations', 'common'])('accepts %s with the tenants that are allowed', (name) => {
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
  ])('finds a missing tenant in %s', (_, instance, tenant, tenantPath) => {
    const settings = parse({ clientId, instance }).entra;
    expect(settings).toMatchObject({ tenantId: tenant, tenantPath, audiences: [clientId, `api://${clientId}`] });
    expect(settings?.instance).toBe(new URL(instance).origin);
  });

  it.each([
    ['no path', 'https://contoso.ciamlogin.com', tenantId],
    ['its GUID as path', `https://contoso.ciamlogin.com/${tenantId.toUpperCase()}`, tenantId],
    ['its domain as path', 'https://contoso.ciamlogin.com/contoso.onmicrosoft.com', 'contoso.onmicrosoft.com'],
  ])('accepts a tenant together with an instance with %s', (_, instance, tenantPath) => {
    expect(parse({ ...entra, instance }).entra).toMatchObject({ tenantId, tenantPath });
  });

  it('keeps its tenant apart from that of B2C', () => {
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
  it('accepts its own ids without Entra ID', () => {
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

  it('uses the ids of Entra ID by default, and configures Entra ID too if both are given', () => {
    const { domainName, policies } = b2c;
    const settings = parse({ ...entra, b2c: { domainName, policies } });
    expect(settings.b2c).toMatchObject({ tenantId, audiences: [clientId, `api://${clientId}`] });
    expect(settings.entra).toMatchObject({ tenantId });
  });

  it('prefers its own ids to those of Entra ID', () => {
    const settings = parse({ ...entra, b2c: { ...b2c, tenantId: otherId, clientId: otherId } });
    expect(settings.b2c).toMatchObject({ tenantId: otherId, audiences: [otherId, `api://${otherId}`] });
    expect(settings.entra).toMatchObject({ tenantId, audiences: [clientId, `api://${clientId}`] });
  });

  it('is configured alone if only one of the ids of Entra ID is given', () => {
    const { domainName, policies } = b2c;
    expect(parse({ clientId, b2c: { domainName, policies } }).entra).toBeUndefined();
    expect(parse({ tenantId, b2c: { domainName, policies, clientId } }).entra).toBeUndefined();
  });

  it('leaves the tenant undefined if that of Entra ID is no GUID', () => {
    const { domainName, policies } = b2c;
    const settings = parse({ tenantId: 'contoso.onmicrosoft.com', clientId, b2c: { domainName, policies } });
    expect(settings.b2c?.tenantId).toBeUndefined();
  });

  it.each(['contoso', 'Contoso', 'contoso.onmicrosoft.com', 'CONTOSO.OnMicrosoft.com'])(
    'accepts the domain name %s',
    (domainName) => {
      expect(parse({ b2c: { ...b2c, domainName } }).b2c).toMatchObject({
        domainName: 'contoso',
        instances: ['https://contoso.b2clogin.com'],
      });
    },
  );

  it.each([
    [{ domainName: 'contoso' }, 'contoso.onmicrosoft.com', 'https://contoso.b2clogin.com'],
    [{ domainName: 'Contoso.Partner.OnMSChina.cn' }, 'contoso.partner.onmschina.cn', 'https://contoso.b2clogin.cn'],
    [{ instance: 'https://contoso.b2clogin.cn' }, 'contoso.partner.onmschina.cn', 'https://contoso.b2clogin.cn'],
    [
      { domainName: 'contoso.partner.onmschina.cn', customDomain: 'login.contoso.cn' },
      'contoso.partner.onmschina.cn',
      'https://login.contoso.cn',
    ],
    [{ domainName: 'contoso.onmicrosoft.us' }, 'contoso.onmicrosoft.us', 'https://contoso.b2clogin.us'],
    [{ instance: 'https://contoso.b2clogin.us' }, 'contoso.onmicrosoft.com', 'https://contoso.b2clogin.us'],
  ])('finds the domain and the host of %j', (options, domain, instance) => {
    const { domainName, policies } = b2c;
    expect(parse({ clientId, b2c: { domainName, policies, ...options } }).b2c).toMatchObject({
      domainName: 'contoso',
      domain,
      instances: [instance],
    });
  });

  it.each([
    ['contoso.onmicrosoft.com', 'https://contoso.b2clogin.cn'],
    ['contoso.partner.onmschina.cn', 'https://contoso.b2clogin.com'],
  ])('refuses the domain %s at %s, which is of another cloud', (domainName, instance) => {
    expect(refusalOf({ b2c: { ...b2c, domainName, instance } })).toBe(
      'initialize: b2c.domainName: is of another cloud than b2c.instance.',
    );
  });

  it('accepts a list of policies, and removes duplicates', () => {
    const policies = ['B2C_1_susi', 'B2C_1A_sign-in', 'B2C_1A_v1.2', 'B2C_1_susi'];
    const parsed = ['B2C_1_susi', 'B2C_1A_sign-in', 'B2C_1A_v1.2'];
    expect(parse({ b2c: { ...b2c, policies } }).b2c?.policies).toEqual(parsed);
  });

  it.each([
    [{ customDomain: 'login.contoso.com' }, 'https://login.contoso.com'],
    [{ instance: 'https://contoso.b2clogin.us/' }, 'https://contoso.b2clogin.us'],
    [{ instance: 'http://localhost:8080' }, 'http://localhost:8080'],
  ])('accepts the host of %j', (host, origin) => {
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
  ])('accepts %s', (_, hosts, instances) => {
    expect(parse({ b2c: { ...b2c, ...hosts } }).b2c?.instances).toEqual(instances);
  });

  it('accepts its own audiences', () => {
    expect(parse({ ...entra, audience: 'a', b2c: { ...b2c, audience: ['b'] } }).b2c?.audiences).toEqual([
      clientId,
      `api://${clientId}`,
      'b',
    ]);
  });
});

describe('tokenHeader', () => {
  it.each([
    ['X-Api-Authorization', 'x-api-authorization'],
    ["!#$%&'*+-.^_`|~09azAZ", "!#$%&'*+-.^_`|~09azaz"],
    ['x-ms-token-aad-access-token', 'x-ms-token-aad-access-token'],
    ['X-Forwarded-Access-Token', 'x-forwarded-access-token'],
  ])('accepts %s', (tokenHeader, read) => {
    expect(parse({ ...entra, tokenHeader }).tokenHeader).toBe(read);
  });

  it.each([undefined, 'authorization', 'Authorization'])('means Authorization as %j', (tokenHeader) => {
    expect(parse({ ...entra, tokenHeader }).tokenHeader).toBeUndefined();
  });

  it.each([
    ...['Cookie', 'Set-Cookie', 'Host', 'Content-Length', 'Content-Type', 'Transfer-Encoding', 'Connection'],
    ...['Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'Proxy-Authorization', 'Proxy-Connection', 'Sec-Fetch-Site'],
    ...['Origin', 'Referer', 'User-Agent', 'Accept', 'Accept-Language', 'If-None-Match', 'Forwarded', 'Via'],
    ...['Access-Control-Max', 'Cache-Control', 'X-Forwarded-For', 'X-Forwarded-Proto', 'Expect'],
  ])('refuses %s, which no client can put a token into', (tokenHeader) => {
    expect(refusalOf({ ...entra, tokenHeader })).toBe(
      `initialize: tokenHeader: got '${tokenHeader}'; it takes the name of a header that may hold a token, such as x-api-authorization.`,
    );
  });
});

describe('ownSigningKey', () => {
  it('is off, unless it is true', () => {
    expect(parse(entra).entra?.ownSigningKey).toBe(false);
    expect(parse({ ...entra, ownSigningKey: false }).entra?.ownSigningKey).toBe(false);
    expect(parse({ ...entra, ownSigningKey: true }).entra?.ownSigningKey).toBe(true);
  });

  it.each(['organizations', 'common', 'consumers'])(
    'is refused with %s, which have no key of one application',
    (name) => {
      const options = { tenantId: name, clientId, ...(name !== 'consumers' && { allowedTenants: '*' }) };
      expect(parse({ ...options, ownSigningKey: false }).entra?.tenantId).toBe(name);
      expect(refusalOf({ ...options, ownSigningKey: true })).toBe(
        `initialize: ownSigningKey: got true; with tenantId '${name}' it takes false.`,
      );
    },
  );

  it('is refused beside B2C alone', () => {
    expect(refusalOf({ b2c, ownSigningKey: true })).toBe(
      'initialize: ownSigningKey: belongs to Entra ID, which needs tenantId and clientId beside it.',
    );
  });
});

describe('the other options', () => {
  it.each([0, 2.5, 300])('accepts a tolerance of %d seconds', (clockToleranceSeconds) => {
    expect(parse({ ...entra, clockToleranceSeconds }).clockToleranceSeconds).toBe(clockToleranceSeconds);
  });

  it.each(['respond', 'forward'])('accepts %s for errors', (errors) => {
    expect(parse({ ...entra, errors }).errors).toBe(errors);
  });

  it.each([
    [false, 0],
    [{ maxEntries: 1 }, 1],
    [{ maxEntries: 1_000_000 }, 1_000_000],
  ])('accepts %j for tokenCache', (tokenCache, entries) => {
    expect(parse({ ...entra, tokenCache }).tokenCacheEntries).toBe(entries);
  });

  it.each([[{}], [undefined], [{ maxEntries: undefined }]])('uses the default for the tokenCache %j', (tokenCache) => {
    expect(parse({ ...entra, tokenCache }).tokenCacheEntries).toBe(parse(entra).tokenCacheEntries);
  });

  it('limits the memory of the tokenCache, to 64 MiB by default', () => {
    expect(parse(entra).tokenCacheBytes).toBe(64 * 1024 * 1024);
    expect(parse({ ...entra, tokenCache: { maxBytes: 1 } })).toMatchObject({
      tokenCacheEntries: 10_000,
      tokenCacheBytes: 1,
    });
  });

  it.each([0, -1, 1.5, '1', NaN])('refuses %j for tokenCache.maxBytes', (maxBytes) => {
    expect(() => parse({ ...entra, tokenCache: { maxBytes } })).toThrow(
      /^initialize: tokenCache\.maxBytes: got .*; it takes a whole number of bytes, at least 1\.$/,
    );
  });

  it('treats an undefined option as missing', () => {
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
      'ownSigningKey',
      'tokenHeader',
    ];
    const left = Object.fromEntries([...names, 'tokenCache', 'fetch', 'now'].map((name) => [name, undefined]));
    expect(parse({ ...entra, ...left }).entra).toEqual(parse(entra).entra);
  });

  it('uses the given fetch and clock', async () => {
    const fetch = vi.fn(() => Promise.resolve(new Response('{}')));
    const settings = parse({ ...entra, fetch, now: () => 1_234 });
    expect(settings.now()).toBe(1_234);
    await settings.fetch('https://login.example');
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('uses the global fetch of the time of the call if none is given', async () => {
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
    'refuses a clock that begins to return %s',
    (nonsense: unknown) => {
      let answer: unknown = 0;
      const { now } = parse({ ...entra, now: () => answer });
      expect(now()).toBe(0);
      answer = nonsense;
      expect(now).toThrow(ConfigurationError);
      expect(refusalOf({ ...entra, now: () => nonsense })).toContain('initialize: now: ');
    },
  );

  it('leaves diagnostics, groups and metadata undefined if they are not given', () => {
    const { diagnostics, resolveGroups, resourceMetadata } = parse(entra);
    expect([diagnostics, resolveGroups, resourceMetadata]).toEqual([undefined, undefined, undefined]);
  });

  describe('resolveGroups', () => {
    const claims = { iss: 'iss', aud: 'aud', exp: 0, oid: 'oid' };
    const resolve = (answer: () => unknown) => parse({ ...entra, resolveGroups: answer }).resolveGroups?.(claims);

    it.each<[string, () => unknown]>([
      ['at once', () => ['a', 'b']],
      ['later', () => Promise.resolve(['a', 'b'])],
    ])('returns its groups %s', async (_, answer) => {
      expect(await resolve(answer)).toEqual(['a', 'b']);
    });

    it('gets the claims', async () => {
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
    ])('fails if it returns %s', async (_, answer) => {
      for (const form of [() => answer, () => Promise.resolve(answer)]) {
        const error = await errorOf(() => resolve(form));
        expect(error).toBeInstanceOf(ConfigurationError);
        expect((error as Error).message).toMatch(/^initialize: resolveGroups: returned /);
      }
    });

    it('fails with the cause if it throws or rejects', async () => {
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

  it('refuses a clock that throws, and keeps the cause', async () => {
    const cause = new TypeError('broken');
    const broken = () => {
      throw cause;
    };
    expect(refusalOf({ ...entra, now: broken })).toBe('initialize: now: threw an error.');
    expect(await errorOf(() => parse({ ...entra, now: broken }))).toMatchObject({ cause });
  });
});

describe('options that exclude each other', () => {
  const allowsItselfAlone =
    /^initialize: allowedTenants: is for tenantId 'organizations' or 'common'; a single tenant allows itself alone\.$/;

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
    ['a single tenant with a list', { ...entra, allowedTenants: [tenantId] }, allowsItselfAlone],
    ['a single tenant with every tenant', { ...entra, allowedTenants: '*' }, allowsItselfAlone],
    ['consumers with a list', { tenantId: 'consumers', clientId, allowedTenants: '*' }, allowsItselfAlone],
    ['a domain with a list', { tenantId: 'contoso.com', clientId, allowedTenants: '*' }, allowsItselfAlone],
    ['consumers with a function', { tenantId: 'consumers', clientId, allowedTenants: () => true }, allowsItselfAlone],
    ['a single tenant with a function', { ...entra, allowedTenants: () => true }, allowsItselfAlone],
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

  it('are refused with hints to existing options alone', () => {
    const needed = 'belongs to Entra ID, which needs tenantId and clientId beside it';
    expect(refusalOf({ b2c, allowedTenants: '*' })).toBe(`initialize: allowedTenants: ${needed}.`);
    expect(refusalOf({ b2c, resolveGroups: () => [] })).toBe(`initialize: resolveGroups: ${needed}.`);
    expect(refusalOf({ b2c, audience: 'a' })).toBe(`initialize: audience: ${needed}; for B2C alone see b2c.audience.`);
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

  it('are copies that later changes of the options do not reach', () => {
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

  it('leave the given options unchanged', () => {
    const given = options();
    parse(given);
    expect(given).toEqual(options());
    expect(Object.isFrozen(given.audience)).toBe(false);
  });
});

describe('the tenant of B2C', () => {
  it('is kept in lower case, as issuers write it', () => {
    const upper = 'AAAAAAAA-2222-4333-8444-555555555555';
    const given = { domainName: 'contoso', policies: 'B2C_1_susi', clientId: upper };
    expect(parseSettings({ b2c: { ...given, tenantId: upper } }).b2c?.tenantId).toBe(upper.toLowerCase());
    expect(parseSettings({ tenantId: upper, clientId: upper, b2c: given }).b2c?.tenantId).toBe(upper.toLowerCase());
  });
});
