import { describe, expect, it } from 'vitest';
import { createIdentity } from '../../../src/core/identity.js';
import type { Verification } from '../../../src/core/token/verified-token.js';
import { startTestIssuer, type TokenOverrides } from '../../../src/testing/test-issuer.js';
import { hour, minute, second, until } from '../../support/clock.js';
import { refuses, type RefusalName } from '../../support/refusals.js';
import {
  authenticate,
  b2c,
  claimsOf,
  clientId,
  clock,
  configured,
  entra,
  identity,
  issuer,
  nowSeconds,
  otherTenant,
  refusesSpoilt,
  tenantId,
  useIssuer,
  verify,
} from './verification.js';

useIssuer();

describe('the header of a token', () => {
  it.each<[RefusalName, string, TokenOverrides]>([
    ['malformed', 'crit', { crit: ['exp'] }],
    ['malformed', 'an empty crit', { crit: [] }],
    ['malformed', 'a crit of null', { crit: null }],
    ['malformed', 'b64', { b64: true }],
    ['algorithm', 'alg none', { alg: 'none' }],
    ['algorithm', 'alg HS256', { alg: 'HS256' }],
    ['algorithm', 'alg PS256', { alg: 'PS256' }],
    ['algorithm', 'alg RS384', { alg: 'RS384' }],
    ['algorithm', 'alg in lower case', { alg: 'rs256' }],
    ['algorithm', 'no alg', { alg: undefined }],
    ['algorithm', 'a list of algs', { alg: ['RS256'] }],
    ['token_type', 'typ pop', { typ: 'pop' }],
    ['token_type', 'typ in lower case', { typ: 'jwt' }],
    ['token_type', 'a typ of null', { typ: null }],
    ['key', 'no kid', { kid: undefined }],
    ['key', 'an empty kid', { kid: '' }],
    ['key', 'a kid that is no text', { kid: 1 }],
    ['key', 'an unknown kid', { kid: 'unknown' }],
  ])('is refused as %s for %s', async (name, _, header) => {
    await refusesSpoilt((...parts) => issuer.token(...parts), [undefined, header], name);
  });

  it('supplies no key for its own verification', async () => {
    const header = {
      jku: 'https://keys.example',
      x5u: 'https://keys.example',
      jwk: { kty: 'RSA' },
      x5c: ['MIIB'],
      zip: 'DEF',
    };
    expect(await claimsOf(issuer.token({}, header))).toMatchObject({ tid: tenantId });
  });
});

describe('the parts of a token', () => {
  it.each<[string, (header: string, payload: string) => readonly [string, string]]>([
    ['a claim that stands twice', (header, payload) => [header, `{"tid":"${otherTenant}",${payload.slice(1)}`]],
    [
      'a claim that stands twice, once as an escape',
      (header, payload) => [header, `{"t\\u0069d":1,${payload.slice(1)}`],
    ],
    ['a header member that stands twice', (header, payload) => [`{"alg":"none",${header.slice(1)}`, payload]],
    ['a payload that is a list', (header, payload) => [header, `[${payload}]`]],
    ['a payload that is no JSON', (header, payload) => [header, payload.slice(0, -1)]],
    ['a payload after a byte order mark', (header, payload) => [header, `\uFEFF${payload}`]],
    ['an exp beyond all numbers', (header, payload) => [header, payload.replace(/"exp":\d+/, '"exp":1e400')]],
    ['__proto__', (header, payload) => [header, `{"__proto__":{"roles":["Admin"]},${payload.slice(1)}`]],
  ])('is refused as malformed for %s', async (_, spoil) => {
    const [header, payload] = (await issuer.token())
      .split('.')
      .slice(0, 2)
      .map((part) => Buffer.from(part, 'base64url').toString()) as [string, string];
    await authenticate(await issuer.sign(header, payload));
    const spoilt = await issuer.sign(...spoil(header, payload));
    await refuses(() => authenticate(spoilt), 'malformed');
  });
});

describe('a token', () => {
  it('yields its claims unchanged and deeply frozen', async () => {
    const claims = await claimsOf(issuer.token({ custom: { list: [{ a: 1 }] } }));
    expect(claims).toMatchObject({ aud: clientId, tid: tenantId, scp: 'access_as_user', custom: { list: [{ a: 1 }] } });
    const custom = claims['custom'] as { list: object[] };
    for (const part of [claims, custom, custom.list, custom.list[0]]) expect(Object.isFrozen(part)).toBe(true);
  });

  it.each<[RefusalName, string, TokenOverrides]>([
    ['malformed', 'no exp', { exp: undefined }],
    ['malformed', 'an exp in text', { exp: '9999999999' }],
    ['malformed', 'an exp with a fraction', { exp: 9_999_999_999.5 }],
    ['malformed', 'an exp of null', { exp: null }],
    ['malformed', 'an nbf in text', { nbf: '0' }],
    ['malformed', 'an nbf of null', { nbf: null }],
    ['malformed', 'an iat in text', { iat: '0' }],
    ['malformed', 'no audience', { aud: undefined }],
    ['malformed', 'an empty list of audiences', { aud: [] }],
    ['malformed', 'an audience that is no text', { aud: 1 }],
    ['malformed', 'no issuer', { iss: undefined }],
    ['malformed', 'a sub that is no text', { sub: 1 }],
    ['malformed', 'a jti that is no text', { jti: 1 }],
    ['audience', 'the audience of another API', { aud: otherTenant }],
    ['audience', 'an empty audience', { aud: '' }],
    ['audience', 'the audiences of other APIs', { aud: [otherTenant, `api://${otherTenant}`] }],
    ['token_type', 'at_hash', { at_hash: 'hash' }],
    ['token_type', 'c_hash', { c_hash: 'hash' }],
    ['token_type', 'no client', { azp: undefined }],
    ['token_type', 'no scp and no roles', { scp: undefined }],
    ['token_type', 'a nonce and no scp', { scp: undefined, roles: ['Admin'], nonce: 'nonce' }],
    ['token_type', 'a list of scopes', { scp: ['access_as_user'] }],
    ['token_type', 'a number of scopes', { scp: 1 }],
    ['token_type', 'blank scopes', { scp: ' ' }],
    ['token_type', 'roles in text', { scp: undefined, roles: 'access_as_app' }],
  ])('is refused as %s for %s', async (name, _, claims) => {
    await refusesSpoilt((...parts) => issuer.token(...parts), [claims], name);
  });

  it('is refused as an ID token, which has the same issuer, audience and key', async () => {
    const idToken = await issuer.idToken();
    await refuses(() => authenticate(idToken), 'token_type');
    // Even where it names a client, and roles as an app-only token does.
    const alike = await issuer.idToken({ azp: clientId, roles: ['Admin'] });
    await refuses(() => authenticate(alike), 'token_type');
  });

  it.each<[string, (text: string) => string]>([
    [
      'a changed payload',
      (text) => {
        const [header, payload, signature] = text.split('.');
        const claims = JSON.parse(Buffer.from(String(payload), 'base64url').toString()) as object;
        const changed = Buffer.from(JSON.stringify({ ...claims, roles: ['Admin'] })).toString('base64url');
        return [header, changed, signature].join('.');
      },
    ],
    ['no signature', (text) => text.slice(0, text.lastIndexOf('.') + 1)],
    ['a changed signature', (text) => `${text.slice(0, -10)}${text.at(-10) === 'A' ? 'B' : 'A'}${text.slice(-9)}`],
    ['a shorter signature', (text) => text.slice(0, -4 - ((text.length - text.lastIndexOf('.') - 1) % 4))],
  ])('is refused as signature for %s', async (_, spoil) => {
    const text = await issuer.token();
    await authenticate(text);
    await refuses(() => authenticate(spoil(text)), 'signature');
  });
});

describe('the times of a token', () => {
  it.each([undefined, 0, 300])(
    'apply with a tolerance of %s seconds, to the millisecond',
    async (clockToleranceSeconds) => {
      const tolerance = (clockToleranceSeconds ?? 5) * second;
      const by = configured({ clockToleranceSeconds, tokenCache: false });
      const [from, to] = [nowSeconds() + 1_000, nowSeconds() + 2_000];
      const tokens = [
        await issuer.token({ nbf: from, iat: from, exp: to }),
        await issuer.token({ nbf: undefined, iat: from, exp: to }),
      ];
      for (const token of tokens) {
        clock.set(from * second - tolerance - 1);
        await refuses(() => authenticate(token, entra, by), 'not_yet_valid');
        clock.set(from * second - tolerance);
        await authenticate(token, entra, by);
        clock.set(to * second + tolerance - 1);
        await authenticate(token, entra, by);
        clock.set(to * second + tolerance);
        await refuses(() => authenticate(token, entra, by), 'expired');
      }
    },
  );
});

describe('a token that is presented again', () => {
  const outcomeOf = async (...presented: Parameters<typeof verify>) => (await verify(...presented)).outcome;

  it('returns the same claims object, without a promise', async () => {
    const token = await issuer.token();
    const first = verify(token);
    expect(first).toBeInstanceOf(Promise);
    expect(verify(token)).toBeInstanceOf(Promise);
    const { token: verified } = await first;
    const again = verify(token);
    expect(again).toMatchObject({ outcome: 'cached' });
    expect((again as Verification).token).toBe(verified);
  });

  it('needs no promise the first time either if the keys are loaded', async () => {
    await identity.ready();
    const [good, spoilt] = [await issuer.token(), await issuer.token({ aud: otherTenant })];
    expect(verify(good)).toMatchObject({ outcome: 'verified' });
    expect(() => verify(spoilt)).toThrow(expect.objectContaining({ reason: 'audience' }));
    expect(verify(good)).toMatchObject({ outcome: 'cached' });
  });

  it('is verified once for many concurrent requests', async () => {
    const token = await issuer.token();
    const before = { ...issuer.requests };
    const all = await Promise.all(Array.from({ length: 20 }, async () => verify(token)));
    expect(new Set(all).size).toBe(1);
    expect(issuer.requests).toEqual({ ...before, metadata: before.metadata + 1, keys: before.keys + 1 });
  });

  it('is refused once it has expired', async () => {
    const token = await issuer.token({ exp: nowSeconds() + 60 });
    await authenticate(token);
    clock.advance(65 * second - 1);
    expect(await outcomeOf(token)).toBe('cached');
    clock.advance(1);
    await refuses(() => authenticate(token), 'expired');
  });

  it('is refused if the clock is set back to before it starts', async () => {
    const token = await issuer.token();
    await authenticate(token);
    clock.advance(-6 * second);
    await refuses(() => authenticate(token), 'not_yet_valid');
  });

  it('is refused once its key is dropped', async () => {
    const own = await startTestIssuer({ now: () => clock.now() });
    try {
      const by = createIdentity({ ...own.options, now: () => clock.now() });
      const token = await own.token({ exp: nowSeconds() + 7 * 24 * 3600 });
      await authenticate(token, entra, by);
      await own.rotateKeys();
      clock.advance(2 * hour);
      // Last known good: the key went missing from the newest set, and stays usable for a day.
      expect(await outcomeOf(token, entra, by)).toBe('cached');
      await until(() => own.requests.keys === 2);
      clock.advance(22 * hour - 1);
      expect(await outcomeOf(token, entra, by)).toBe('cached');
      clock.advance(1);
      await refuses(() => authenticate(token, entra, by), 'key');
      await refuses(() => authenticate(token, entra, by), 'key');
    } finally {
      await own.close();
    }
  });

  it('is verified again each time if it was refused', async () => {
    const token = await issuer.token({ nbf: nowSeconds() + 60 });
    await refuses(() => authenticate(token), 'not_yet_valid');
    await refuses(() => authenticate(token), 'not_yet_valid');
    clock.advance(minute);
    expect(await outcomeOf(token)).toBe('verified');
    expect((await authenticate(token)).claims.scp).toBe('access_as_user');
  });

  it('is not cached for another scheme', async () => {
    const token = await issuer.token();
    await authenticate(token);
    await refuses(() => authenticate(token, b2c), 'policy');
  });

  it('is not cached for another encoding of the same signature', async () => {
    const token = await issuer.token();
    await authenticate(token);
    // A signature of 256 bytes leaves 4 bits of its last character unused.
    const last = token.charCodeAt(token.length - 1);
    const spelled = `${token.slice(0, -1)}${String.fromCharCode(last + 1)}`;
    expect(Buffer.from(spelled.split('.')[2] ?? '', 'base64url')).toEqual(
      Buffer.from(token.split('.')[2] ?? '', 'base64url'),
    );
    await refuses(() => authenticate(spelled), 'malformed');
  });

  it('is verified again if the cache is off', async () => {
    const by = configured({ tokenCache: false });
    const token = await issuer.token();
    const first = await authenticate(token, entra, by);
    const again = await verify(token, entra, by);
    expect(again.outcome).toBe('verified');
    expect(again.token).not.toBe(first);
    expect(again.token.claims).toEqual(first.claims);
  });

  it('makes room for others if the cache is full', async () => {
    const by = configured({ tokenCache: { maxEntries: 1 } });
    const [one, two] = [await issuer.token({ uti: '1' }), await issuer.token({ uti: '2' })];
    await authenticate(one, entra, by);
    expect(await outcomeOf(one, entra, by)).toBe('cached');
    await authenticate(two, entra, by);
    expect(await outcomeOf(two, entra, by)).toBe('cached');
    expect(await outcomeOf(one, entra, by)).toBe('verified');
  });
});
