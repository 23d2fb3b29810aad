import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeToken } from '../../src/testing/signing-keys.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';

/** 16 bytes, as in tokens of Entra. */
const form = /^[\w-]{22}$/;

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer({ now: () => Date.UTC(2030, 0, 1) });
});

afterAll(() => issuer.close());

describe.each(['token', 'appToken', 'v1Token'] as const)('%s', (method) => {
  it('is another token each time, also within one second', async () => {
    const ids = [await issuer[method](), await issuer[method]()].map((token) => decodeToken(token)?.claims['uti']);
    expect(ids).toEqual([expect.stringMatching(form), expect.stringMatching(form)]);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('has the identifier that is given', async () => {
    expect(decodeToken(await issuer[method]({ uti: 'one' }))?.claims['uti']).toBe('one');
  });
});
