/** The issuers of a B2C tenant: one for each policy on each host. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import type { B2cSettings } from '../configuration/settings.js';
import { invalidToken } from '../gate-refusals.js';
import { b2cAuthority, b2cChallenge } from '../issuers/authority.js';
import { ownMember } from '../json.js';
import { IssuerKeys, type IssuerKeysOptions } from '../keys/issuer-keys.js';
import type { SigningKey } from '../keys/key-set-document.js';
import type { PublishedIssuer } from '../keys/openid-configuration.js';
import { ofPolicy } from './b2c-policy.js';
import { hasCaseTwin } from './claims.js';
import type { TrustedIssuer, TrustedIssuers } from './trusted-issuers.js';

interface B2cIssuer extends TrustedIssuer {
  readonly origin: string;
}

export class B2cIssuers implements TrustedIssuers {
  readonly kind = 'b2c';
  readonly audiences: readonly string[];
  /** By policy, in lower case; each policy has an issuer for each host. */
  readonly #issuers: ReadonlyMap<string, readonly B2cIssuer[]>;

  constructor(settings: B2cSettings, options: IssuerKeysOptions) {
    this.audiences = settings.audiences;
    const issuerAt = (policy: string, origin: string): B2cIssuer => {
      const issuerKeys = new IssuerKeys(b2cAuthority(settings, policy, origin), options);
      return {
        origin,
        issuerKeys,
        isNamedBy: (issuer) => issuerKeys.isIssuer(issuer),
        check: checkB2cIssuer,
        policy,
        authority: b2cChallenge(settings, policy, origin),
      };
    };
    const { policies, instances } = settings;
    this.#issuers = new Map(
      policies.map((policy) => [policy.toLowerCase(), instances.map((origin) => issuerAt(policy, origin))]),
    );
  }

  /** Whether a token names a configured policy. The claims are unverified, so this only decides where to look for keys. */
  recognizes(claims: UnverifiedClaims): boolean {
    return ofPolicy(claims, this.#issuers) !== undefined;
  }

  issuerOf(claims: UnverifiedClaims): TrustedIssuer {
    const [first, ...others] = ofPolicy(claims, this.#issuers) ?? [];
    if (first === undefined) throw invalidToken('policy');
    return others.find(({ origin }) => isOnOrigin(ownMember(claims, 'iss'), origin)) ?? first;
  }

  async ready(): Promise<void> {
    await Promise.all([...this.#issuers.values()].flat().map(({ issuerKeys }) => issuerKeys.ready()));
  }
}

const isOnOrigin = (issuer: unknown, origin: string) => typeof issuer === 'string' && issuer.startsWith(`${origin}/`);

function checkB2cIssuer(claims: AccessTokenClaims, _key: SigningKey, { issuer, tenant }: PublishedIssuer): void {
  if (claims.iss !== issuer) throw invalidToken('issuer');
  const { tid } = claims as { readonly tid?: unknown };
  if ((tid !== undefined && tid !== tenant) || hasCaseTwin(claims, 'tid')) throw invalidToken('tenant');
}
