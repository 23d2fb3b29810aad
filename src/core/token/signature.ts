/** Checks the signature of a token. node:crypto verifies it; jose imported the key from the published key set. */
import { andThen } from '../awaited.js';
import { invalidToken } from '../gate-refusals.js';
import { closed } from '../json.js';
import type { SigningKey } from '../keys/key-set-document.js';
import type { ParsedToken } from './parsed-token.js';
import type { SignatureThread } from './signature-thread.js';

/**
 * The key that signed a token: the one, of those published under its kid, that verifies the signature. From then on the
 * payload is frozen, and what it inherits is no claim.
 *
 * @throws InvalidTokenError `signature`, at once or as a rejection
 */
export function findSigner(
  { signingInput, signature, payload }: ParsedToken,
  keys: readonly SigningKey[],
  thread: SignatureThread,
): SigningKey | Promise<SigningKey> {
  const signed = Buffer.from(signingInput, 'latin1');
  const findFrom = (index: number): SigningKey | Promise<SigningKey> => {
    const signer = keys[index];
    if (signer === undefined) throw invalidToken('signature');
    return andThen(thread.isValid({ signed, key: signer.key, signature }), (isValid) => {
      if (!isValid) return findFrom(index + 1);
      closed(payload);
      return signer;
    });
  };
  return findFrom(0);
}
