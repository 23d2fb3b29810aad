/** Is a signing key published for the issuer and the cloud of the token that it signs? */
import type { AccessTokenClaims } from '../access-token-claims.js';
import { invalidToken } from '../gate-refusals.js';
import { fillTenant, isExternalId, tenantOfIssuer } from '../issuers/issuer.js';
import type { SigningKey } from '../keys/key-set-document.js';
import type { PublishedIssuer } from '../keys/openid-configuration.js';

/** Checks that key and metadata name the same cloud, if both name one. The v1.0 issuers of two clouds are equal. */
export function checkKeyCloud(key: SigningKey, { cloudInstanceName }: PublishedIssuer): void {
  if (!key.cloudInstanceName || !cloudInstanceName || key.cloudInstanceName === cloudInstanceName) return;
  throw invalidToken('key');
}

/**
 * Checks the issuer that a key names, if it names one. Keys for personal accounts are valid in one tenant alone.
 *
 * @param published - the tenant of the token, and the issuer, or issuer template, of the token's version
 * @param loadOther - loads what the authority publishes for tokens of the other version: v1.0 tokens may be signed with
 *   keys that name the v2.0 issuer, and the other way round
 * @returns a promise only if the other version's issuer is needed
 */
export function checkKeyIssuer(
  key: SigningKey,
  claims: AccessTokenClaims,
  { tenant, issuer }: { readonly tenant: string; readonly issuer: string },
  loadOther: () => Promise<PublishedIssuer>,
): void | Promise<void> {
  if (key.issuer === undefined) return;
  const named = fillTenant(key.issuer, tenant);
  if (named === claims.iss || named === fillTenant(issuer, tenant)) return;
  // External ID signs with keys that name login.microsoftonline.com: there the tenant is what must match.
  if (isExternalId(claims.iss)) {
    if (tenantOfIssuer(named) === tenant) return;
    throw invalidToken('key');
  }
  return loadOther().then((other) => {
    if (named !== fillTenant(other.issuer, tenant)) throw invalidToken('key');
  });
}
