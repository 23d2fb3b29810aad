/** Which mistake a refusal is explained with. Pure functions. */
import type { AccessTokenClaims, UnverifiedClaims } from '../core/access-token-claims.js';
import { hasAudience } from '../core/audience.js';
import type { SchemeDemand } from '../core/access/requirement.js';
import { isShared } from '../core/configuration/configured-tenant.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import type { InsufficientScopeReason, InvalidTokenReason } from '../core/errors.js';
import { isGuid } from '../core/guid.js';
import { entraAuthority } from '../core/issuers/authority.js';
import { consumerTenant, isExternalId, segmentsOf, tenantOfIssuer, tokenVersionOf } from '../core/issuers/issuer.js';
import { isOnMicrosoftDomain, microsoftApiOf } from '../core/microsoft-apis.js';
import { serveOneCloud } from '../core/microsoft-hosts.js';
import { callerKindOf } from '../core/token/caller-kind.js';
import { claimedPolicy, claimedScheme, claimsOtherProvider, namesKnownPolicy } from '../core/token/claimed-scheme.js';
import { clientOf, groupsOf, hasRegisteredClaims, isNoScope, rolesOf, scopesOf } from '../core/token/claims.js';
import { isTypeOfAccessToken, type SeenToken } from '../core/token/parsed-token.js';
import { looksLikeIdToken } from '../core/token/token-kind.js';
import { isLoopback, parseUrl } from '../core/url.js';
import { mistakeOfScheme, mistakeOfToken, type SeenCredential } from './credential-mistake.js';
import type { ExplanationCode } from './explanation-hints.js';

/** Of which scheme the refused route takes tokens. */
export interface RefusedRoute {
  readonly scheme: SchemeDemand['kind'];
  /** Whether the token was verified before, and the route or a method called by it requires more. */
  readonly isVerified?: boolean;
  /** The scopes that the route demands. */
  readonly scopes?: readonly string[];
  /** What was called: `Orders.list`. */
  readonly name?: string | undefined;
  /** The method and the path of the request. */
  readonly requestLine?: string | undefined;
  /** What to change where code of the application asked for the caller of a token that no gate verified. */
  readonly unverified?: string | undefined;
}

/**
 * The API of Microsoft's that a token is for. Graph's tokens are signed with the tenant's keys, over a header that was
 * changed afterwards: only Graph can verify them.
 */
export function microsoftApiOfToken({ header, payload }: SeenToken): string | undefined {
  const audience = payload?.['aud'];
  if (header?.['nonce'] !== undefined) return 'Microsoft Graph';
  return microsoftApiOf(audience) ?? (isOnMicrosoftDomain(audience) ? 'an API of Microsoft' : undefined);
}

function explainMicrosoftApi(token: SeenToken): ExplanationCode | undefined {
  const api = microsoftApiOfToken(token);
  if (api === undefined) return undefined;
  return api === 'Microsoft Graph' || api === 'Azure AD Graph' ? 'graph_token' : 'microsoft_api';
}

const explainMicrosoftAudience = (token: SeenToken) => explainMicrosoftApi({ ...token, header: undefined });

/** Why a token is for no API of the configured authorities, whatever its tenant and the route are. */
function explainForeign(token: SeenToken, settings: Settings): ExplanationCode | undefined {
  const { payload: claims = {} } = token;
  return explainMicrosoftAudience(token) ?? (claimsOtherProvider(claims, settings) ? 'other_provider' : undefined);
}

/** Why a token of one scheme is refused where tokens of another are taken; undefined if the schemes are the same. */
function explainScheme(of: Scheme, settings: Settings, taken: SchemeDemand['kind']): ExplanationCode | undefined {
  if (settings[of] === undefined) return of === 'b2c' ? 'b2c_token' : 'entra_token';
  if (taken === 'any' || taken === of) return undefined;
  return of === 'b2c' ? 'entra_route' : 'b2c_route';
}

function explainAudience(token: SeenToken, settings: Settings, { scheme }: RefusedRoute): ExplanationCode {
  const { payload: claims = {} } = token;
  const ofMicrosoft = explainMicrosoftAudience(token);
  if (ofMicrosoft !== undefined) return ofMicrosoft;
  const of = claimedScheme(claims, settings);
  const accepted = settings[of]?.audiences ?? [];
  // An audience that is right for the token's own scheme is wrong for that of the route.
  if (hasRegisteredClaims(claims) && hasAudience(claims, accepted)) {
    return explainScheme(of, settings, scheme) ?? 'audience';
  }
  if (looksLikeIdToken(claims)) return 'id_token';
  const audience = claims['aud'];
  if (typeof audience !== 'string') return 'audience';
  const clientId = settings[of]?.clientId;
  const lower = audience.toLowerCase();
  const isOurs = accepted.some((ours) => ours.toLowerCase() === lower);
  if (isOurs || (clientId !== undefined && lower.includes(clientId.toLowerCase()))) return 'audience_form';
  if (audience === clientOf(claims)) return 'client_token';
  return mayBeOwnUri(lower, settings.entra?.tenantId) ? 'audience_uri' : 'audience';
}

/** Whether an audience can be a name of this API: a URI that has the id of no other registration. */
function mayBeOwnUri(audience: string, tenantId: string | undefined): boolean {
  const url = parseUrl(audience);
  return url !== undefined && ![url.hostname, ...segmentsOf(url)].some((part) => isGuid(part) && part !== tenantId);
}

const hostnameOf = (url: unknown) => parseUrl(url)?.hostname ?? '';
export const issuerIn = ({ payload }: SeenToken) => (typeof payload?.['iss'] === 'string' ? payload['iss'] : '');

function explainPolicy(token: SeenToken, settings: Settings): ExplanationCode {
  const foreign = explainForeign(token, settings);
  if (foreign !== undefined) return foreign;
  const { payload: claims = {} } = token;
  const otherScheme = explainScheme(claimedScheme(claims, settings), settings, 'b2c');
  if (otherScheme !== undefined) return otherScheme;
  if (namesKnownPolicy(claims, settings)) return 'route_policy';
  return claimedPolicy(claims) === undefined ? 'no_policy' : 'policy';
}

function explainIssuer(token: SeenToken, settings: Settings, { scheme, isVerified }: RefusedRoute): ExplanationCode {
  const foreign = explainForeign(token, settings);
  if (foreign !== undefined) return foreign;
  const { payload: claims = {} } = token;
  const of = claimedScheme(claims, settings);
  // The issuer of a verified token is right. A method that the route calls takes tokens of Entra ID.
  const otherScheme = explainScheme(of, settings, isVerified === true ? 'entra' : scheme);
  if (otherScheme !== undefined) return otherScheme;
  if (of === 'entra') return explainEntraIssuer(issuerIn(token), settings);
  // A route for tokens of either scheme takes those of an unknown policy for Entra ID's.
  if (!namesKnownPolicy(claims, settings)) return explainPolicy(token, settings);
  const host = hostnameOf(issuerIn(token));
  return settings.b2c?.instances.some((instance) => hostnameOf(instance) === host) === true ? 'b2c_issuer' : 'b2c_host';
}

function explainEntraIssuer(iss: string, { entra }: Settings): ExplanationCode {
  if (entra === undefined) return 'entra_token';
  if (isExternalId(iss) !== isExternalId(`${entra.instance}/`)) return 'wrong_instance';
  if (!serveOneCloud(hostnameOf(iss), hostnameOf(entra.instance))) return 'wrong_cloud';
  const tenant = tenantOfIssuer(iss);
  if (tenant === undefined || tenant === entra.tenantId) return 'issuer';
  return tenant === consumerTenant ? 'personal_account' : 'wrong_tenant';
}

/**
 * Whether B2C issued an access token without a scope. It does so for a client that asks for its own client id as scope.
 * Such a token has a nonce, as an ID token has, and, other than that, its client.
 */
function isForOwnClientId(claims: UnverifiedClaims, settings: Settings): boolean {
  if (claims['at_hash'] !== undefined || claims['c_hash'] !== undefined || !isNoScope(claims['scp'])) return false;
  const client = clientOf(claims);
  return client !== undefined && client === claims['aud'] && claimedScheme(claims, settings) === 'b2c';
}

function explainKind({ header, payload: claims = {} }: SeenToken, settings: Settings): ExplanationCode {
  if (!isTypeOfAccessToken(header?.['typ'])) return 'token_type';
  if (isForOwnClientId(claims, settings)) return 'b2c_client_token';
  if (looksLikeIdToken(claims)) return 'id_token';
  // With roles and no scope, a token of an application passes.
  if (rolesOf(claims).length > 0) return isNoScope(claims['scp']) ? 'no_scope' : 'token_type';
  if (scopesOf(claims).length > 0) return 'token_type';
  return hasTextAsRoles(claims) ? 'roles_text' : 'no_permission';
}

const hasTextAsRoles = ({ roles }: { readonly roles?: unknown }) => typeof roles === 'string';

/** `organizations` never accepts personal accounts, whatever allowedTenants has. */
function explainTenant({ payload: { tid } = {} }: SeenToken, { entra }: Settings): ExplanationCode {
  return tid === consumerTenant && entra?.tenantId === 'organizations' ? 'personal_account' : 'tenant';
}

/**
 * Azure Static Web Apps sends its own token to the API, signed with HS256.
 *
 * @see {@link https://github.com/Azure/static-web-apps/issues/34}
 */
function explainAlgorithm(token: SeenToken): ExplanationCode {
  return hostnameOf(issuerIn(token)).endsWith('.scm.azurewebsites.net') ? 'overwritten_header' : 'algorithm';
}

/** Whether a key of the API's own may explain a token that has everything right but the key. */
function maySignWithOwnKey({ payload: claims = {} }: SeenToken, { entra }: Settings): boolean {
  if (entra === undefined || entra.ownSigningKey || isShared(entra.tenantId)) return false;
  // On loopback it is the key of a test issuer that was stopped.
  if (isLoopback(hostnameOf(entra.instance)) || !hasRegisteredClaims(claims)) return false;
  const authority = entraAuthority(entra, tokenVersionOf(claims.iss));
  return authority.mayIssueAs(claims.iss) && hasAudience(claims, entra.audiences);
}

function explainKey(token: SeenToken, settings: Settings): ExplanationCode {
  const ofMicrosoft = explainMicrosoftApi(token);
  if (ofMicrosoft !== undefined) return ofMicrosoft;
  if (typeof token.header?.['kid'] !== 'string') return 'no_kid';
  return maySignWithOwnKey(token, settings) ? 'own_signing_key' : 'unknown_key';
}

function explainGroup({ payload: claims = {} }: SeenToken): ExplanationCode {
  return groupsOf(claims as AccessTokenClaims).length === 0 ? 'no_groups' : 'group';
}

function explainClient({ payload: claims = {} }: SeenToken, { allowedClients }: Settings): ExplanationCode {
  const isAllowed = allowedClients === undefined || allowedClients.has(clientOf(claims) ?? '');
  return isAllowed ? 'daemon_client' : 'client';
}

type Reason = InvalidTokenReason | InsufficientScopeReason;

/** The refusals that have no reason, by their code. */
type CodeWithoutReason =
  'missing_token' | 'invalid_request' | 'issuer_unavailable' | 'insufficient_claims' | 'invalid_configuration';

type Explainer = (token: SeenCredential, settings: Settings, route: RefusedRoute) => ExplanationCode;

/** The code of a refusal, or how a look at the token finds it, by the refusal's reason, or by its code. */
const explainers: Readonly<Record<Reason | CodeWithoutReason, ExplanationCode | Explainer>> = {
  missing_token: ({ credential = '', header }) =>
    header === undefined ? mistakeOfScheme(credential) : 'other_configuration',
  invalid_request: 'two_headers',
  malformed: ({ credential, header }) => (credential === undefined ? 'malformed' : mistakeOfToken(credential, header)),
  algorithm: explainAlgorithm,
  key: explainKey,
  signature: (token) => explainMicrosoftApi(token) ?? 'signature',
  expired: 'expired',
  not_yet_valid: 'clock_skew',
  issuer: explainIssuer,
  audience: explainAudience,
  tenant: explainTenant,
  policy: explainPolicy,
  token_type: explainKind,
  scope: ({ payload: claims = {} }, settings) =>
    callerKindOf(claims, settings, claimedScheme(claims, settings)) === 'app' ? 'app_role_missing' : 'scope_missing',
  role: ({ payload: claims = {} }) => (hasTextAsRoles(claims) ? 'roles_text' : 'role_missing'),
  client: explainClient,
  caller: 'caller',
  guest: 'guest',
  group: explainGroup,
  groups_overage: 'groups_overage',
  auth_context: 'auth_context',
  check: 'check',
  insufficient_claims: 'claims_challenge',
  issuer_unavailable: 'no_keys',
  invalid_configuration: 'configuration',
};

const explainerOf = new Map<string, (typeof explainers)[keyof typeof explainers]>(Object.entries(explainers));

/** The code of a v1.0 token where v2.0 is expected. It is true of many refusals, and the cause of few. */
export function versionRemark({ payload }: SeenToken, settings: Settings): 'v1_token' | undefined {
  if (payload === undefined || settings.entra === undefined || payload['tfp'] !== undefined) return undefined;
  return tokenVersionOf(payload['iss']) === 'v1' ? 'v1_token' : undefined;
}

export function findCode(key: string, ...seen: Parameters<Explainer>): ExplanationCode | undefined {
  const explainer = explainerOf.get(key);
  return typeof explainer === 'function' ? explainer(...seen) : explainer;
}

/** The names of which a verified token lacks all. */
