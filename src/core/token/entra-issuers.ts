/** The issuers of Entra ID and External ID: of one tenant or many, for v1.0 and for v2.0 tokens. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import type { EntraSettings } from '../configuration/settings.js';
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
import type { TrustedIssuer, TrustedIssuers } from './trusted-issuers.js';

/** Checks that key and metadata name the same cloud, if both name one. The v1.0 issuers of two clouds are equal. */
function checkCloud(key: SigningKey, issuer: PublishedIssuer): void {
  const { cloudInstanceName } = issuer;
  if (!key.cloudInstanceName || !cloudInstanceName || key.cloudInstanceName === cloudInstanceName) return;
  throw new InvalidTokenError('key');
}

export class EntraIssuers implements TrustedIssuers {
  readonly kind = 'entra';
  readonly audiences: readonly string[];
  readonly #settings: EntraSettings;
  readonly #keySets: Readonly<Record<TokenVersion, KeySet>>;
  readonly #issuers: Readonly<Record<TokenVersion, TrustedIssuer>>;

  constructor(settings: EntraSettings, options: KeySetOptions) {
    this.#settings = settings;
    this.audiences = settings.audiences;
    this.#keySets = {
      v1: new KeySet(entraAuthority(settings, 'v1'), options),
      v2: new KeySet(entraAuthority(settings, 'v2'), options),
    };
    this.#issuers = { v1: this.#issuer('v1', 'v2'), v2: this.#issuer('v2', 'v1') };
  }

  issuerOf(claims: UnverifiedClaims): TrustedIssuer {
    return this.#issuers[tokenVersionOf(claims['iss'])];
  }

  async ready(): Promise<void> {
    // The documents for v1.0 tokens are loaded with the first of them: External ID tenants publish none.
    await this.#keySets.v2.ready();
  }

  #issuer(version: TokenVersion, other: TokenVersion): TrustedIssuer {
    const check: TrustedIssuer['check'] = (claims, key, published) => {
      const tenant = this.#checkTenant(claims, published);
      checkCloud(key, published);
      return this.#checkKeyIssuer(key, claims, tenant, published, other);
    };
    const authority = entraChallenge(this.#settings);
    const keySet = this.#keySets[version];
    const isNamedBy = (issuer: string) =>
      (keySet.issuer !== undefined || this.#mayBeOfTenant(issuer, other)) && keySet.isIssuer(issuer);
    return { keySet, isNamedBy, check, policy: undefined, authority };
  }

  /** Both documents of a tenant name the same tenant. So one shows what the other, not loaded yet, cannot name. */
  #mayBeOfTenant(issuer: string, other: TokenVersion): boolean {
    const tenant = this.#keySets[other].issuer?.tenant;
    return tenant === undefined || !isGuid(tenant) || tenantOfIssuer(issuer) === tenant;
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
    // A function is called for each request, by checkTenant.
    return typeof allowedTenants === 'object' ? allowedTenants.has(tenant) : true;
  }

  /** Checks the issuer that a key names, if it names one. Keys for personal accounts are valid in one tenant alone. */
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
