/** What does the API publish about itself, so that clients find its issuer (RFC 9728)? */
import type { ResourceMetadataOptions } from '../configuration/options.js';
import type { B2cSettings, EntraSettings, Scheme } from '../configuration/settings.js';
import { deepFreeze } from '../json.js';
import { b2cAuthority, entraAuthority, wellKnown } from './authority.js';

/**
 * The protected resource metadata of the API.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-2 RFC 9728 §2}
 */
export interface ResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly resource_name?: string;
  readonly resource_documentation?: string;
}

/** The metadata and its URL. */
export interface PublishedResource {
  readonly document: ResourceMetadata;
  readonly url: string;
  /**
   * The names by which a client asks an authority for scopes: those that the metadata lists, or else those that the
   * default Application ID URI gives.
   */
  readonly fullNames: (scopes: readonly string[], scheme: Scheme | 'any') => readonly string[];
}

const wellKnownResource = '/.well-known/oauth-protected-resource';

/** The default Application ID URI of an app registration. Full scope names start with it. */
export function appIdUriOf(settings: EntraSettings | B2cSettings): string {
  return settings.kind === 'entra' ? `api://${settings.clientId}` : `https://${settings.domain}/${settings.clientId}`;
}

/** The names by which a client asks for scopes. Tokens contain the short names. */
export function fullScopeNames(
  scopes: readonly string[],
  entra: EntraSettings | undefined,
  b2c: B2cSettings | undefined,
): readonly string[] {
  const prefixes = [entra, b2c].filter((settings) => settings !== undefined).map(appIdUriOf);
  return scopes.flatMap((scope) => (scope.includes('://') ? [scope] : prefixes.map((prefix) => `${prefix}/${scope}`)));
}

/**
 * The names by which a client asks for scopes: those that are configured, or else those that the default Application ID URI
 * gives.
 *
 * @param configured - full or short names
 */
export function askedScopeNames(
  scopes: readonly string[],
  configured: readonly string[] | undefined,
  entra: EntraSettings | undefined,
  b2c: B2cSettings | undefined,
): readonly string[] {
  const listed = fullScopeNames(configured ?? [], entra, b2c);
  return scopes.flatMap((scope) => {
    const names = namesOfScope(scope, listed);
    return names.length > 0 ? names : fullScopeNames([scope], entra, b2c);
  });
}

/** Those of some full names that name a scope by its short name. */
export const namesOfScope = (scope: string, fullNames: readonly string[]) =>
  fullNames.filter((fullName) => fullName.endsWith(`/${scope}`));

const issuerUrlOf = ({ metadataUrl }: { readonly metadataUrl: string }) =>
  metadataUrl.slice(0, metadataUrl.lastIndexOf(`/${wellKnown}`));

function authorizationServers(entra: EntraSettings | undefined, b2c: B2cSettings | undefined): readonly string[] {
  const ofB2c = b2c?.policies.map((policy) => b2cAuthority(b2c, policy, b2c.instances[0] ?? '')) ?? [];
  return [...(entra === undefined ? [] : [entraAuthority(entra, 'v2')]), ...ofB2c].map(issuerUrlOf);
}

/** The path of the metadata. The well-known part is between the host and the path of the API (RFC 9728 §3.1). */
export function wellKnownPath({ resource }: Pick<ResourceMetadata, 'resource'>): string {
  const { pathname } = new URL(resource);
  return pathname === '/' ? wellKnownResource : `${wellKnownResource}${pathname}`;
}

/** The metadata that the options describe. */
export function publishResource(
  options: ResourceMetadataOptions,
  entra: EntraSettings | undefined,
  b2c: B2cSettings | undefined,
): PublishedResource {
  const { resource, name, documentation } = options;
  const scopes = options.scopes && [...options.scopes];
  const document = {
    resource,
    authorization_servers: authorizationServers(entra, b2c),
    bearer_methods_supported: ['header'],
    ...(scopes !== undefined && { scopes_supported: fullScopeNames(scopes, entra, b2c) }),
    ...(name !== undefined && { resource_name: name }),
    ...(documentation !== undefined && { resource_documentation: documentation }),
  };
  return Object.freeze({
    document: deepFreeze(document),
    url: `${new URL(resource).origin}${wellKnownPath(options)}`,
    fullNames: (asked: readonly string[], scheme: Scheme | 'any') => {
      const ofEntra = scheme === 'b2c' ? undefined : entra;
      const ofB2c = scheme === 'entra' ? undefined : b2c;
      return askedScopeNames(asked, scopes, ofEntra, ofB2c);
    },
  });
}
