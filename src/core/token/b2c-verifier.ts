/** Verifies the tokens of the policies of a B2C tenant. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import type { B2cSettings, Settings } from '../configuration/settings.js';
import { InvalidTokenError } from '../errors.js';
import { b2cAuthority, b2cChallenge } from '../issuers/authority.js';
import { ofPolicy } from '../issuers/issuer.js';
import { KeySet, type KeySetOptions } from '../keys/key-set.js';
import type { PublishedIssuer } from '../keys/openid-configuration.js';
import type { SigningKey } from '../keys/signing-keys.js';
import { hasCaseTwin } from './claims.js';
import { readPayload } from './parsed-token.js';
import { CachingVerifier, type Source } from './verifier.js';

export class B2cVerifier extends CachingVerifier {
  protected readonly kind = 'b2c';
  protected readonly audiences: readonly string[];
  /** By policy, in lower case; each policy has a source for each host. */
  readonly #sources: ReadonlyMap<string, readonly B2cSource[]>;

  constructor(b2c: B2cSettings, settings: Settings, options: KeySetOptions) {
    super(settings);
    this.audiences = b2c.audiences;
    const sourceOf = (policy: string, origin: string): B2cSource => ({
      origin,
      keySet: new KeySet(b2cAuthority(b2c, policy, origin), options),
      check: checkB2cIssuer,
      policy,
      authority: b2cChallenge(b2c, policy, origin),
    });
    this.#sources = new Map(
      b2c.policies.map((policy) => [policy.toLowerCase(), b2c.instances.map((origin) => sourceOf(policy, origin))]),
    );
  }

  /** Whether a token names a policy that is configured here. Its own word: good for a place to look, no more. */
  claims(text: string): boolean {
    const payload = readPayload(text);
    return payload !== undefined && ofPolicy(payload, this.#sources) !== undefined;
  }

  protected sourceOf(payload: UnverifiedClaims): Source {
    const [first, ...others] = ofPolicy(payload, this.#sources) ?? [];
    if (first === undefined) throw new InvalidTokenError('policy');
    return others.find(({ origin }) => isOnOrigin(payload['iss'], origin)) ?? first;
  }

  async ready(): Promise<void> {
    await Promise.all([...this.#sources.values()].flat().map(({ keySet }) => keySet.ready()));
  }
}

interface B2cSource extends Source {
  readonly origin: string;
}

const isOnOrigin = (issuer: unknown, origin: string) => typeof issuer === 'string' && issuer.startsWith(`${origin}/`);

function checkB2cIssuer(claims: AccessTokenClaims, _key: SigningKey, { issuer, tenant }: PublishedIssuer): void {
  if (claims.iss !== issuer) throw new InvalidTokenError('issuer');
  const { tid } = claims as { readonly tid?: unknown };
  if ((tid !== undefined && tid !== tenant) || hasCaseTwin(claims, 'tid')) throw new InvalidTokenError('tenant');
}
