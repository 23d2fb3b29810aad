import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../src/core/keys/key-set-document.js';
import { KnownHeaders, parseToken } from '../../../src/core/token/parsed-token.js';
import { SignatureThread, threads } from '../../../src/core/token/signature-thread.js';
import { findSigner } from '../../../src/core/token/signature.js';
import { refuses } from '../../support/refusals.js';

const pairs = Array.from({ length: 3 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }));
const [first, second, third] = pairs.map(({ publicKey, privateKey }) => {
  const fingerprint = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  const published: SigningKey = {
    kid: 'one',
    key: publicKey,
    issuer: undefined,
    cloudInstanceName: undefined,
    fingerprint,
  };
  return { published, privateKey };
}) as [Signer, Signer, Signer];

interface Signer {
  readonly published: SigningKey;
  readonly privateKey: (typeof pairs)[number]['privateKey'];
}

const published = [first.published, second.published];

function tokenOf({ privateKey }: Signer) {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode({ alg: 'RS256', kid: 'one' })}.${encode({ oid: 'ada' })}`;
  return parseToken(
    `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`,
    new KnownHeaders(),
  );
}

/** A thread that leaves signatures to the pool. */
function busyThread(given: Partial<typeof threads> = {}): SignatureThread {
  let endTurn: () => void = () => undefined;
  const thread = new SignatureThread({
    ...threads,
    afterTurn(callback) {
      endTurn = callback;
    },
    ...given,
  });
  for (let count = 0; count < 2; count++) void findSigner(tokenOf(first), published, thread);
  endTurn();
  return thread;
}

describe.each([
  ['the calling thread', () => new SignatureThread()],
  ['the pool', busyThread],
])('findSigner, of two keys under one kid, on %s', (_, createThread) => {
  it.each([
    ['the first', first],
    ['the second', second],
  ])('finds %s', async (_, signer) => {
    const token = tokenOf(signer);
    expect(await findSigner(token, published, createThread())).toBe(signer.published);
    expect(Object.isFrozen(token.payload)).toBe(true);
  });

  it('refuses a token that neither signed', async () => {
    const token = tokenOf(third);
    await refuses(() => findSigner(token, published, createThread()), 'signature');
    expect(Object.isFrozen(token.payload)).toBe(false);
  });
});

it('waits once for a pool that is occupied, however many keys a kid has', async () => {
  let limits = 0;
  const thread = busyThread({
    inPool: () => undefined,
    afterLimit(callback) {
      limits++;
      setImmediate(callback);
      return () => undefined;
    },
  });
  expect(await findSigner(tokenOf(second), published, thread)).toBe(second.published);
  expect(limits).toBe(1);
});
