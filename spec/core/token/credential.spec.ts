import { describe, expect, it } from 'vitest';
import { createIdentity } from '../../../src/core/identity.js';
import { bearerToken, longestToken, type RequestHeaders } from '../../../src/core/token/credential.js';
import { refuses } from '../../support/refusals.js';

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const token = `${encode({ alg: 'RS256', kid: 'key' })}.${encode({ sub: 'subject' })}.c2ln-_AB`;
const withHeader = (authorization: string): RequestHeaders => ({
  headers: { authorization },
  rawHeaders: ['Authorization', authorization],
});

describe('bearerToken', () => {
  it.each([
    ['as RFC 6750 writes it', `Bearer ${token}`],
    ['in lower case', `bearer ${token}`],
    ['in upper case', `BEARER ${token}`],
    ['in mixed case', `bEaReR ${token}`],
    ['with several spaces', `Bearer    ${token}`],
  ])('takes the token after the scheme %s', (_, authorization) => {
    expect(bearerToken(withHeader(authorization))).toBe(token);
  });

  it('takes a token of 16 KiB', () => {
    const longest = 'a'.repeat(16 * 1024);
    expect(longestToken).toBe(16 * 1024);
    expect(bearerToken(withHeader(`Bearer ${longest}`))).toBe(longest);
  });

  it('takes a plain object with headers, and a list of one', () => {
    expect(bearerToken({ headers: { authorization: `Bearer ${token}` } })).toBe(token);
    expect(bearerToken({ headers: { authorization: [`Bearer ${token}`] } })).toBe(token);
  });

  it.each([
    ['there is no header', { headers: {} }],
    [
      'the header is inherited',
      { headers: Object.create({ authorization: `Bearer ${token}` }) as Record<string, string> },
    ],
    ['the header is undefined', { headers: { authorization: undefined } }],
    ['the header is an empty list', { headers: { authorization: [] } }],
    ['the header is empty', withHeader('')],
    ['the scheme is Basic', withHeader('Basic YTpi')],
    ['the scheme is PoP', withHeader(`PoP ${token}`)],
    ['the scheme is Negotiate', withHeader('Negotiate')],
    ['the scheme only starts like Bearer', withHeader(`BearerX ${token}`)],
    ['the scheme only starts like Bearer, with a hyphen', withHeader(`Bearer-Token ${token}`)],
    ['the scheme is cut short', withHeader(`Beare ${token}`)],
    ['the scheme is in letters that look alike', withHeader(`Веаrer ${token}`)],
    ['there is a token without a scheme', withHeader(token)],
    ['the scheme is in quotes', withHeader(`"Bearer" ${token}`)],
    [
      'the token stands in other places',
      { headers: { cookie: `access_token=${token}`, 'x-authorization': `Bearer ${token}` } },
    ],
    ['the header belongs to the proxy', { headers: { 'proxy-authorization': `Bearer ${token}` } }],
  ])('finds no token where %s', async (_, request: RequestHeaders) => {
    await refuses(() => bearerToken(request), 'missing_token');
  });

  const characters = Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code));
  // RFC 9110 §5.6.2: the characters of which a scheme name consists.
  const tokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  it('takes Bearer for the start of another scheme where a character of a scheme name follows', async () => {
    for (const character of tokenCharacters) {
      await refuses(() => bearerToken(withHeader(`Bearer${character} ${token}`)), 'missing_token');
    }
  });

  it('refuses Bearer with any other character but a space after it', async () => {
    const others = characters.filter((character) => !`${tokenCharacters} `.includes(character));
    for (const character of others) {
      await refuses(() => bearerToken(withHeader(`Bearer${character}${token}`)), 'malformed');
    }
  });

  it.each(['Bearer', 'Bearer ', 'Bearer    ', 'bearer', `Bearer,${token}`, `Bearer\t${token}`])(
    'refuses %j, which has no space or no token after the scheme',
    async (authorization) => {
      await refuses(() => bearerToken(withHeader(authorization)), 'malformed');
    },
  );

  it.each([
    ['two tokens', ['Authorization', `Bearer ${token}`, 'Authorization', `Bearer ${token}`]],
    ['two spellings', ['authorization', `Bearer ${token}`, 'AUTHORIZATION', `Bearer ${token}`]],
    ['another scheme second', ['Authorization', `Bearer ${token}`, 'Accept', '*/*', 'Authorization', 'Basic YTpi']],
    ['another scheme first', ['Authorization', 'Basic YTpi', 'Authorization', `Bearer ${token}`]],
    ['an empty one second', ['Authorization', `Bearer ${token}`, 'Authorization', '']],
  ])('refuses two headers: %s', async (_, rawHeaders) => {
    // As Node does: the first alone shows in `headers`.
    const request = { headers: { authorization: rawHeaders[1] }, rawHeaders };
    await refuses(() => bearerToken(request), 'invalid_request');
  });

  it('refuses a list of two', async () => {
    const request = { headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } };
    await refuses(() => bearerToken(request), 'invalid_request');
  });

  it('reads the headers of Fetch', async () => {
    expect(bearerToken({ headers: new Headers({ Authorization: `Bearer ${token}` }) })).toBe(token);
    await refuses(() => bearerToken({ headers: new Headers() }), 'missing_token');
    await refuses(() => bearerToken({ headers: new Headers({ authorization: 'Basic YTpi' }) }), 'missing_token');
    await refuses(() => bearerToken({ headers: new Headers({ authorization: 'Bearer' }) }), 'malformed');
  });

  it.each([
    ['two tokens', [`Bearer ${token}`, `Bearer ${token}`]],
    ['another scheme second', [`Bearer ${token}`, 'Basic YTpi']],
    ['another scheme first', ['Basic YTpi', `Bearer ${token}`]],
    ['an empty one first', ['', `Bearer ${token}`]],
    ['an empty one second', [`Bearer ${token}`, '']],
  ])('refuses two headers that Fetch joined: %s', async (_, values) => {
    const headers = new Headers();
    for (const value of values) headers.append('authorization', value);
    await refuses(() => bearerToken({ headers }), 'invalid_request');
  });

  it('takes a header that is named like the function of Fetch for a header', () => {
    expect(bearerToken({ headers: { get: 'authorization', authorization: `Bearer ${token}` } })).toBe(token);
  });

  it('counts header names, not values that look like one', () => {
    const rawHeaders = ['Authorization', `Bearer ${token}`, 'X-Note', 'Authorization', 'Proxy-Authorization', 'x'];
    expect(bearerToken({ headers: { authorization: `Bearer ${token}` }, rawHeaders })).toBe(token);
  });
});

describe('what follows the scheme', () => {
  /** Takes any token as far as to look for its key, and there is none to be had. */
  const identity = createIdentity({
    tenantId: '11111111-2222-4333-8444-555555555555',
    clientId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
    fetch: () => Promise.reject(new Error('unplugged')),
  });
  const authenticate = (authorization: string) => () =>
    identity.authenticate(withHeader(authorization), { scheme: undefined, demands: [] });

  it('is taken for a token where it is one', async () => {
    await refuses(authenticate(`Bearer ${token}`), 'issuer_unavailable');
  });

  it.each([
    ['nothing', 'Bearer'],
    ['a space alone', 'Bearer '],
    ['several spaces alone', 'Bearer    '],
    ['a tab in place of the space', `Bearer\t${token}`],
    ['a tab after the space', `Bearer \t${token}`],
    ['a no-break space', `Bearer\u00A0${token}`],
    ['a no-break space after the space', `Bearer \u00A0${token}`],
    ['a colon', `Bearer: ${token}`],
    ['a comma and a token', `Bearer,${token}`],
    ['a comma-joined pair of tokens', `Bearer ${token},${token}`],
    ['a comma-joined pair of credentials', `Bearer ${token}, Bearer ${token}`],
    ['a token and a comma-joined scheme', `Bearer ${token}, Basic YTpi`],
    ['a token and a comma', `Bearer ${token},`],
    ['two tokens', `Bearer ${token} ${token}`],
    ['the scheme again', `Bearer Bearer ${token}`],
    ['a parameter', `Bearer ${token}; a=b`],
    ['a named token', `Bearer token=${token}`],
    ['a token in double quotes', `Bearer "${token}"`],
    ['a token in single quotes', `Bearer '${token}'`],
    ['a token in brackets', `Bearer <${token}>`],
    ['a token and a space', `Bearer ${token} `],
    ['a token and a tab', `Bearer ${token}\t`],
    ['a token and a line break', `Bearer ${token}\r\nX-Admin: 1`],
    ['a token and a null character', `Bearer ${token}\0`],
    ['a token and a letter beyond ASCII', `Bearer ${token}é`],
    ['a token with a space within', `Bearer ${token.slice(0, 9)} ${token.slice(9)}`],
    ['a token in padded base64', `Bearer ${token}==`],
    ['a token whose signature is in plain base64', `Bearer ${token.replace('-_', '+/')}`],
    ['a token with unused bits set', `Bearer ${token.slice(0, -4)}QR`],
    ['two parts of a token', `Bearer ${token.split('.').slice(0, 2).join('.')}`],
    ['a token and a dot', `Bearer ${token}.`],
    ['five parts, as an encrypted token has', `Bearer ${token}.a.b`],
    ['a word, as an opaque token is', 'Bearer EwB4A8l6BAAU'],
    ['a token of more than 16 KiB', `Bearer ${token}${'A'.repeat(16 * 1024)}`],
  ])('is refused where it is %s', async (_, authorization) => {
    await refuses(authenticate(authorization), 'malformed');
  });
});

describe('other headers', () => {
  it('are not counted, also those whose names are as long', () => {
    const authorization = 'Bearer token';
    const rawHeaders = ['Authorization', authorization, 'If-None-Match', 'W/"1"', 'If-None-Match', 'W/"2"'];
    expect(bearerToken({ headers: { authorization }, rawHeaders })).toBe('token');
  });
});
