/** The claims that another API asks for. */
import { describe, expect, it } from 'vitest';
import { challengedClaims } from '../../src/downstream/challenged-claims.js';

const claims = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"x":{"value":"??>>~~ü"}}}';
const base64 = Buffer.from(claims).toString('base64');
const base64url = Buffer.from(claims).toString('base64url');

describe('the claims of a challenge', () => {
  it('is spelled in two ways here', () => {
    expect(base64).not.toBe(base64url);
    expect(base64).toContain('=');
  });

  it.each([
    `Bearer claims="${base64}"`,
    `Bearer claims="${base64url}"`,
    `Bearer claims=${base64}`,
    `bearer CLAIMS="${base64}"`,
    `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${base64}"`,
    `Bearer realm="a, Bearer claims=\\"e30=\\"", claims="${base64}"`,
    `Bearer realm = "x" ,claims= "${base64}"`,
    `Basic realm="claims", Bearer claims="${base64}"`,
    `PoP claims="e30=", Bearer claims="${base64}"`,
    `Negotiate, Bearer claims="${base64}"`,
    `Negotiate YWJj==, NTLM, Bearer claims="${base64}"`,
    `Bearer realm="one", Bearer realm="two", claims="${base64}", PoP nonce="x"`,
    `Bearer claims="${base64}", PoP claims="e30="`,
    `,, Bearer claims="${base64}",`,
  ])('are read from %s', (header) => {
    expect(challengedClaims(header)).toBe(claims);
  });

  it.each([
    null,
    '',
    'Bearer',
    'Bearer realm="x"',
    'Bearer realm="claims=e30="',
    `PoP claims="${base64}"`,
    `Bearer x-claims="${base64}"`,
    `Bearer realm="claims=\\"${base64}\\""`,
    'Bearer claims=""',
    'Bearer claims="not base64 of JSON"',
    `Bearer claims="${Buffer.from('[1]').toString('base64')}"`,
    `Bearer claims="${Buffer.from('"text"').toString('base64')}"`,
    `Bearer claims="${Buffer.from('{"a":1,"a":2}').toString('base64')}"`,
    `Bearer realm="never ends, claims=${base64}`,
  ])('are not found in %s', (header) => {
    expect(challengedClaims(header)).toBeUndefined();
  });

  it('are looked for in time that grows with the header', () => {
    const started = performance.now();
    for (const unit of ['a ', 'Bearer ', 'a="', '"\\', ' =', ',', 'a=b ', '\\"']) challengedClaims(unit.repeat(16_000));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
