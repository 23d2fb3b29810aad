/** The issuers of Entra ID and External ID: of one tenant or many, for v1.0 and for v2.0 tokens. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import type { EntraSettings } from '../configuration/settings.js';
import { invalidToken } from '../gate-refusals.js';
import { isGuid } from '../guid.js';
import { entraAuthority, entraChallenge } from '../issuers/authority.js';
import { isExternalId, matchIssuer, tenantOfIssuer, tokenVersionOf, type TokenVersion } from '../issuers/issuer.js';
import { ownMember } from '../json.js';
import { IssuerKeys, type IssuerKeysOptions } from '../keys/issuer-keys.js';
import type { PublishedIssuer } from '../keys/openid-configuration.js';
import { hasCaseTwin } from './claims.js';
import { isListedTenant } from './allowed-tenants.js';
import { checkKeyCloud, checkKeyIssuer } from './key-binding.js';
import type { TrustedIssuer, TrustedIssuers } from './trusted-issuers.js';

export class EntraIssuers implements TrustedIssuers {
  readonly kind = 'entra';
  readonly audiences: readonly string[];
  readonly #settings: EntraSettings;
  readonly #issuerKeys: Readonly<Record<TokenVersion, IssuerKeys>>;
  readonly #issuers: Readonly<Record<TokenVersion, TrustedIssuer>>;

  constructor(settings: EntraSettings, options: IssuerKeysOptions) {
    this.#settings = settings;
    this.audiences = settings.audiences;
    this.#issuerKeys = {
      v1: new IssuerKeys(entraAuthority(settings, 'v1'), options),
      v2: new IssuerKeys(entraAuthority(settings, 'v2'), options),
    };
    this.#issuers = { v1: this.#issuer('v1', 'v2'), v2: this.#issuer('v2', 'v1') };
  }

  issuerOf(claims: UnverifiedClaims): TrustedIssuer {
    return this.#issuers[tokenVersionOf(ownMember(claims, 'iss'))];
  }

  async ready(): Promise<void> {
    // The documents for v1.0 tokens are loaded with the first of them: External ID tenants publish none.
    await this.#issuerKeys.v2.ready();
  }

  #issuer(version: TokenVersion, other: TokenVersion): TrustedIssuer {
    const check: TrustedIssuer['check'] = (claims, key, published) => {
      const tenant = this.#checkTenant(claims, published);
      checkKeyCloud(key, published);
      return checkKeyIssuer(key, claims, { tenant, issuer: published.issuer }, () =>
        this.#issuerKeys[other].loadIssuer(),
      );
    };
    const authority = entraChallenge(this.#settings);
    const issuerKeys = this.#issuerKeys[version];
    const isNamedBy = (issuer: string) => {
      const published = issuerKeys.issuer;
      if (published !== undefined) return matchIssuer(issuer, published.issuer) !== false;
      return this.#mayBeOfTenant(issuer, other) && issuerKeys.isIssuer(issuer);
    };
    return { issuerKeys, isNamedBy, check, policy: undefined, authority };
  }

  /** Both documents of a tenant name the same tenant. So one shows what the other, not loaded yet, cannot name. */
  #mayBeOfTenant(issuer: string, other: TokenVersion): boolean {
    const published = this.#issuerKeys[other].issuer;
    // A custom URL domain does not show that it is External ID's, which has v2.0 documents only.
    if (published !== undefined && isExternalId(published.issuer)) return false;
    const tenant = published?.tenant;
    return tenant === undefined || !isGuid(tenant) || tenantOfIssuer(issuer) === tenant;
  }

  /** @returns the tenant that the issuer names */
  #checkTenant(claims: AccessTokenClaims, published: PublishedIssuer): string {
    const match = matchIssuer(claims.iss, published.issuer);
    if (match === false) throw invalidToken('issuer');
    const tenant = match === true ? published.tenant : match.tenant;
    const { tid } = claims as { readonly tid?: unknown };
    const isNamed = tid === undefined ? match === true : typeof tid === 'string' && isGuid(tid) && tid === tenant;
    if (!isNamed || tenant === undefined || hasCaseTwin(claims, 'tid') || !isListedTenant(tenant, this.#settings)) {
      throw invalidToken('tenant');
    }
    return tenant;
  }
}
