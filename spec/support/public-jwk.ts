import { generateKeyPairSync } from 'node:crypto';

/** A member of a key set as Microsoft publishes it: no alg, nothing private. */
export interface PublicJwk {
  readonly kty: 'RSA';
  readonly use: 'sig';
  readonly kid: string;
  readonly n: string;
  readonly e: string;
}

/** Makes a key pair and gives its public half. */
export function publicJwk(kid: string, modulusLength = 2048): PublicJwk {
  const { n, e } = generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' });
  return { kty: 'RSA', use: 'sig', kid, n: String(n), e: String(e) };
}
