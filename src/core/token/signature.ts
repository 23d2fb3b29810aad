/** Checks the signature of a token. node:crypto verifies it; jose imported the key from the published key set. */
import { verify } from 'node:crypto';
import { invalidToken } from '../gate-refusals.js';
import { closed } from '../json.js';
import type { SigningKey } from '../keys/key-set-document.js';
import type { ParsedToken } from './parsed-token.js';

/**
 * The key that signed a token: the one, of those published under its kid, that verifies the signature. From then on the
 * payload is frozen, and what it inherits is no claim.
 *
 * Verified on the calling thread, without a promise. docs/performance.md compares that with other threads, as jose uses.
 *
 * @throws InvalidTokenError `signature`
 */
export function findSigner({ signingInput, signature, payload }: ParsedToken, keys: readonly SigningKey[]): SigningKey {
  const signed = Buffer.from(signingInput, 'latin1');
  // RFC 7518 §3.3: RS256 is RSASSA-PKCS1-v1_5 with SHA-256. That padding is node:crypto's default for RSA keys.
  const signer = keys.find(({ key }) => verify('sha256', signed, key, signature));
  if (signer === undefined) throw invalidToken('signature');
  closed(payload);
  return signer;
}
