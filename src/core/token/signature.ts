/** Checks the signature of a token. node:crypto verifies it; jose imported the key from the published key set. */
import { verify } from 'node:crypto';
import { InvalidTokenError } from '../errors.js';
import type { SigningKey } from '../keys/signing-keys.js';
import type { ParsedToken } from './parsed-token.js';

/**
 * The key that signed a token: the one, of those published under its kid, that verifies the signature.
 *
 * The signature is verified on this thread: handing it to another thread and waiting takes this one longer.
 *
 * @throws InvalidTokenError `signature`
 */
export function findSigner({ signingInput, signature }: ParsedToken, keys: readonly SigningKey[]): SigningKey {
  const signed = Buffer.from(signingInput, 'latin1');
  // RFC 7518 §3.3: RS256 is RSASSA-PKCS1-v1_5 with SHA-256, and that is node:crypto's padding for RSA keys by default.
  const signer = keys.find(({ key }) => verify('sha256', signed, key, signature));
  if (signer === undefined) throw new InvalidTokenError('signature');
  return signer;
}
