/** Verifies the tokens of Entra ID and External ID. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import type { EntraSettings, Settings } from '../configuration/settings.js';
import { InvalidTokenError } from '../errors.js';
import { isGuid } from '../guid.js';
import { entraAuthority, entraChallenge } from '../issuers/authority.js';
import {
  consumerTenant,
  fillTenant,
  isExternalId,
  matchIssuer,
  tenantOfIssuer,
  tokenVersionOf,
  type TokenVersion,
} from '../issuers/issuer.js';
import { KeySet, type KeySetOptions } from '../keys/key-set.js';
import type { PublishedIssuer } from '../keys/openid-configuration.js';
import type { SigningKey } from '../keys/signing-keys.js';
import { hasCaseTwin } from './claims.js';
import { CachingVerifier, type Source } from './verifier.js';

/** Where key and metadata both name a cloud they must name the same one: US Government and Global share v1.0 issuers. */
function checkCloud(key: SigningKey, issuer: PublishedIssuer): void {
  const { cloudInstanceName } = issuer;
  if (!key.cloudInstanceName || !cloudInstanceName || key.cloudInstanceName === cloudInstanceName) return;
  throw new InvalidTokenError('key');
}

export class EntraVerifier extends CachingVerifier {
  protected readonly kind = 'entra';
  protected readonly audiences: readonly string[];
  readonly #settings: EntraSettings;
  readonly #keySets: Readonly<Record<TokenVersion, KeySet>>;
  readonly #sources: Readonly<Record<TokenVersion, Source>>;

  constructor(entra: EntraSettings, settings: Settings, options: KeySetOptions) {
    super(settings);
    this.#settings = entra;
    this.audiences = entra.audiences;
    this.#keySets = {
      v1: new KeySet(entraAuthority(entra, 'v1'), options),
      v2: new KeySet(entraAuthority(entra, 'v2'), options),
    };
    this.#sources = { v1: this.#source('v1', 'v2'), v2: this.#source('v2', 'v1') };
  }

  protected sourceOf(payload: UnverifiedClaims): Source {
    return this.#sources[tokenVersionOf(payload['iss'])];
  }

  async ready(): Promise<void> {
    // v1.0 documents are left to the first v1.0 token: External ID tenants have none.
    await this.#keySets.v2.ready();
  }

  #source(version: TokenVersion, other: TokenVersion): Source {
    const check: Source['check'] = (claims, key, issuer) => {
      const tenant = this.#checkTenant(claims, issuer);
      checkCloud(key, issuer);
      return this.#checkKeyIssuer(key, claims, tenant, issuer, other);
    };
    const authority = entraChallenge(this.#settings);
    return { keySet: this.#keySets[version], check, policy: undefined, authority };
  }

  /** @returns the tenant that the issuer names */
  #checkTenant(claims: AccessTokenClaims, published: PublishedIssuer): string {
    const match = matchIssuer(claims.iss, published.issuer);
    if (match === false) throw new InvalidTokenError('issuer');
    const tenant = match === true ? published.tenant : match.tenant;
    const { tid } = claims as { readonly tid?: unknown };
    const isNamed = tid === undefined ? match === true : typeof tid === 'string' && isGuid(tid) && tid === tenant;
    if (!isNamed || tenant === undefined || hasCaseTwin(claims, 'tid') || !this.#isAllowed(tenant)) {
      throw new InvalidTokenError('tenant');
    }
    return tenant;
  }

  #isAllowed(tenant: string): boolean {
    const { tenantId, allowedTenants } = this.#settings;
    if (tenantId === 'organizations' && tenant === consumerTenant) return false;
    // A function is asked later, for each request.
    return typeof allowedTenants === 'object' ? allowedTenants.has(tenant) : true;
  }

  /** Keeps a key that is published for one tenant, such as that of personal accounts, from speaking for another. */
  #checkKeyIssuer(
    key: SigningKey,
    claims: AccessTokenClaims,
    tenant: string,
    { issuer }: PublishedIssuer,
    other: TokenVersion,
  ): void | Promise<void> {
    if (key.issuer === undefined) return;
    const named = fillTenant(key.issuer, tenant);
    if (named === claims.iss || named === fillTenant(issuer, tenant)) return;
    // External ID signs with keys that name login.microsoftonline.com: there the tenant is what must match.
    if (isExternalId(claims.iss)) {
      if (tenantOfIssuer(named) === tenant) return;
      throw new InvalidTokenError('key');
    }
    // v1.0 tokens may be signed with keys that name the v2.0 issuer, and the other way round.
    return this.#keySets[other].loadIssuer().then((published) => {
      if (named !== fillTenant(published.issuer, tenant)) throw new InvalidTokenError('key');
    });
  }
}
