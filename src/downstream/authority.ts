/** Which authority is asked for a token? Pure. */
import { isMultiTenant } from '../core/configuration/configured-tenant.js';
import type { EntraSettings, Scheme } from '../core/configuration/settings.js';
import { ConfigurationError, MissingTokenError } from '../core/errors.js';

/** What is known of the caller: a verified token. */
export interface VerifiedCaller {
  readonly kind: Scheme;
  readonly claims: { readonly tid?: string | undefined };
}

/** The authority of a token request: it is built from the configured instance, and from nothing that a document names. */
export const authorityOf = (instance: string, tenant: string) => `${instance}/${tenant}`;

/** The configured tenant; undefined where `tenantId` names no single one. */
function singleTenant({ tenantId }: EntraSettings): string | undefined {
  return isMultiTenant(tenantId) || tenantId === 'consumers' ? undefined : tenantId;
}

/**
 * The tenant of a token on behalf of a user: that which the verified token names. For a guest it is the tenant of the API.
 * Never `common` or `organizations`: there Entra would take the home tenant of the user.
 *
 * @throws ConfigurationError where the token comes from B2C
 * @see {@link https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow On-behalf-of flow}
 */
export function userTenant(entra: EntraSettings | undefined, caller: VerifiedCaller): string {
  if (caller.kind === 'b2c' || entra === undefined) {
    throw new ConfigurationError(
      'Azure AD B2C has no on-behalf-of flow. Call the API as the application, with asApplication, or sign users in with Entra ID or External ID.',
    );
  }
  const tenant = caller.claims.tid ?? singleTenant(entra);
  if (tenant === undefined) {
    throw new ConfigurationError(
      `onBehalfOf needs one tenant: the token of the caller has no tid, and tenantId is '${entra.tenantId}'.`,
    );
  }
  return tenant;
}

/**
 * The tenant of a token of the application itself.
 *
 * @param options.tenantId - a GUID, or `caller`, after its check; undefined: the configured tenant
 * @param options.caller - the verified token of the running request; undefined where there is none
 * @throws ConfigurationError where no single tenant is configured
 * @throws MissingTokenError where the tenant of the caller is wanted, and there is none
 */
export function applicationTenant(
  entra: EntraSettings,
  {
    api,
    tenantId,
    caller,
  }: {
    readonly api: string;
    readonly tenantId: string | undefined;
    readonly caller: VerifiedCaller | undefined;
  },
): string {
  if (tenantId === undefined) {
    const tenant = singleTenant(entra);
    if (tenant !== undefined) return tenant;
    throw new ConfigurationError(
      `asApplication('${api}') needs a tenant, because tenantId is '${entra.tenantId}'. Set downstream.apis.${api}.tenantId, or pass { tenantId }: a tenant GUID, or 'caller'.`,
    );
  }
  if (tenantId !== 'caller') return tenantId;
  if (caller === undefined) throw new MissingTokenError();
  if (caller.kind === 'b2c') {
    throw new ConfigurationError(
      `asApplication('${api}'): tenantId 'caller' is for callers with an Entra token; this one has a B2C token.`,
    );
  }
  return userTenant(entra, caller);
}

/** The scope of a token of the application itself: what its registration has been granted for the resource. */
export const applicationScope = (resource: string) => `${resource}/.default`;

/** Where an authority answers token requests. It is never taken from a document, so a secret goes to no host that one names. */
export const tokenEndpoint = (authority: string) => `${authority}/oauth2/v2.0/token`;
