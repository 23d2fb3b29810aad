/** Why a request was refused, and what to change, for the developer of the API. Pure functions. */
import type { AccessTokenClaims, UnverifiedClaims } from '../core/access-token-claims.js';
import { hasAudience } from '../core/audience.js';
import type { SchemeDemand } from '../core/access/requirement.js';
import type { Explanation } from '../core/channels.js';
import { isShared } from '../core/configuration/configured-tenant.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import {
  ConfigurationError,
  type InsufficientScopeReason,
  type InvalidTokenReason,
  type Refusal,
} from '../core/errors.js';
import { isGuid } from '../core/guid.js';
import { b2cAuthority, entraAuthority, type Authority } from '../core/issuers/authority.js';
import { appIdUriOf, askedScopeNames } from '../core/issuers/resource-metadata.js';
import { consumerTenant, isExternalId, segmentsOf, tenantOfIssuer, tokenVersionOf } from '../core/issuers/issuer.js';
import { adviceOn } from '../core/keys/unavailable-keys.js';
import { isOnMicrosoftDomain, microsoftApiOf } from '../core/microsoft-apis.js';
import { serveOneCloud } from '../core/microsoft-hosts.js';
import { callerKindOf } from '../core/token/caller-kind.js';
import { claimedPolicy, claimedScheme, claimsOtherProvider, namesKnownPolicy } from '../core/token/claimed-scheme.js';
import { clientOf, groupsOf, hasRegisteredClaims, isNoScope, rolesOf, scopesOf } from '../core/token/claims.js';
import { isTypeOfAccessToken, type SeenToken } from '../core/token/parsed-token.js';
import { looksLikeIdToken } from '../core/token/token-kind.js';
import { isLoopback, parseUrl } from '../core/url.js';
import { mistakeOfScheme, mistakeOfToken, type SeenCredential } from './credential-mistake.js';
import { describeFailedCall } from './failed-call.js';
import { remedy } from './not-verified-yet.js';

/** How a client asks for a scope of this API, where the names of the API and of the scope are not known. */
const anyScope = 'api://<client id>/<scope>';

const forMicrosoft = (api: string) =>
  `The token is for ${api}: the client asked for a scope of that API, or for none. It must ask for api://<client id>/<scope> of this API.`;

/** What to change, for each code of an {@link Explanation}. docs/diagnostics.md lists the same codes. */
export const hints = {
  not_verified_yet: remedy,
  no_token: 'The request has no Authorization: Bearer header. A proxy may have removed it.',
  other_configuration:
    'The request has a token, and the configuration that was asked for the caller did not verify it: another configuration did, or the header was changed afterwards. Use the decorators and helpers of one configuration on a route.',
  two_headers: 'The request has two Authorization headers. A proxy may have added one.',
  other_scheme:
    'The Authorization header has another scheme than Bearer. The client must send Bearer, a space and the token. If the scheme is PoP, set authenticationScheme to Bearer in MSAL.',
  no_scheme:
    'The Authorization header has one word, without Bearer before it. The client must send Bearer, a space and the token.',
  empty_token: 'Nothing follows Bearer: the variable with the token was empty.',
  unset_token:
    'In place of a token stands a variable that was not set (undefined, null), an object, a promise that was not awaited, or a placeholder.',
  scheme_twice: 'Bearer is there twice: the client adds it to a text that has it already.',
  quoted_token: 'The token is in quotes or brackets. The client must send it without them.',
  cut_off_token:
    'The token was cut off: it has fewer than three parts. A line break, or a limit on a header or a column, ends it.',
  opaque_token:
    "The text has no parts, so it is not a JWT: it is an opaque token, such as personal accounts get for Microsoft's own APIs, an authorization code, or the token of another issuer. The client must ask for a scope of this API.",
  encrypted_token:
    'The token is encrypted (JWE, five parts). Remove tokenEncryptionKeyId from the manifest of this API.',
  long_token:
    'The token is longer than 16 KiB. Put fewer claims into it: app roles in place of groups, or only the groups that are assigned to the application.',
  malformed: 'This is not a token as Microsoft issues it: part of it was cut off or added in transit.',
  algorithm:
    'The token is not signed with RS256, as all tokens are that Microsoft issues for an API. It comes from another issuer.',
  overwritten_header:
    'The Authorization header has a token of Azure Static Web Apps, which overwrites the token of the client. Set tokenHeader, and have the client send its token in that header.',
  no_kid: 'The token has no kid. It does not come from Microsoft.',
  unknown_key:
    'The issuer has no such key. The token comes from another tenant or cloud, or from a test issuer that was stopped.',
  own_signing_key:
    'The issuer has no such key, and all else fits. A new key of the issuer is found within 5 minutes. If it takes longer, the enterprise application of this API has its own signing key (SAML, claims mapping): set ownSigningKey.',
  signature: 'The signature does not match. The token was changed in transit.',
  graph_token: forMicrosoft('Microsoft Graph'),
  microsoft_api: forMicrosoft('an API of Microsoft'),
  client_token:
    "The token is for the client itself: the client asked for its own client id, or for no API's scope. It must ask for api://<client id>/<scope> of this API.",
  audience_form: 'The audience names this API in a form that is not accepted. Add it to audience.',
  audience_uri:
    'The audience is an Application ID URI that is not accepted. If it is one of this API, add it to audience: look at Expose an API in its app registration. If not, the token is for another API.',
  audience: 'The token is for another API. The client must ask for api://<client id>/<scope> of this API.',
  v1_token:
    'This is a v1.0 token: requestedAccessTokenVersion in the manifest of this API is not 2. Such tokens are accepted. Their audience is often the Application ID URI.',
  wrong_tenant:
    'The token comes from another tenant: look at tenantId. To accept several tenants, use organizations and allowedTenants.',
  wrong_cloud: 'The token comes from another cloud: look at instance, and at the authority of the client.',
  wrong_instance: 'The token comes from another kind of authority (External ID or not): look at instance.',
  issuer: "The issuer is not the one in the tenant's metadata: look at tenantId and instance.",
  other_provider:
    'The token comes from another identity provider: its issuer is none of Entra ID, External ID or Azure AD B2C. The client must get its token from the tenant of this API.',
  personal_account:
    'The token is of a personal Microsoft account. Only the values common and consumers of tenantId accept these: allowedTenants cannot add them to another.',
  entra_token: 'The token comes from Entra ID or External ID, and only b2c is configured.',
  b2c_token: 'The token comes from Azure AD B2C, and initialize() was given no b2c.',
  entra_route:
    'The token comes from Azure AD B2C, and the route takes only tokens of Entra ID. To accept it, use @RequiresB2cAuth() or @RequiresAnyAuth().',
  b2c_route:
    'The token comes from Entra ID or External ID, and the route takes only tokens of Azure AD B2C. To accept tokens of Entra ID, use @RequiresAuth() or @RequiresAnyAuth().',
  b2c_host:
    'The token comes from another host of B2C than the configured one: look at the authority of the client. To accept both, set b2c.customDomain and b2c.instance.',
  b2c_issuer: "The issuer is not the one in the policy's metadata: look at b2c.domainName and b2c.tenantId.",
  no_policy:
    'The token comes from Azure AD B2C and names no policy. The custom policy must put its name in tfp, acr or the issuer.',
  policy: 'The policy is not among b2c.policies.',
  route_policy:
    'The policy is among b2c.policies, and the route takes only others: look at @RequiresB2cAuth({ policy }).',
  tenant: 'The tenant is not allowed: look at allowedTenants.',
  expired:
    "The token has expired. The client must not store tokens itself. If the token is new, look at this machine's clock.",
  clock_skew: "The token is not valid yet: look at this machine's clock, or at clockToleranceSeconds.",
  b2c_client_token:
    'This is an access token of B2C without a scope: the client asked for its own client id as scope. It must ask for a scope of this API, such as https://<domain name>.onmicrosoft.com/<API>/<scope>.',
  id_token: 'This is an ID token. The client must send the access token that it got for a scope of this API.',
  no_permission:
    'The token has neither scp nor roles. For a person: the scope was not consented to. For an application: no app role was assigned, or no administrator consented.',
  no_scope:
    "The token is a person's and has no scp, so it is not an access token, whatever its roles are. The client must ask for api://<client id>/<scope>.",
  token_type:
    'The token is not an access token for an API. If typ in its header is pop, the client uses proof of possession: in MSAL set authenticationScheme to Bearer.',
  scope_missing:
    'The scope <name> was not asked for or not consented to: the client must ask for api://<client id>/<scope>. Or the name in the decorator is another than the one in Expose an API.',
  app_role_missing:
    'An application calls without a person, and its roles (in B2C its scp) do not contain <name>. Define an app role of that name, assign it, and have an administrator consent.',
  role_missing:
    "The role <name> was not assigned to the caller, or only after the token was issued, or in another application: a role of the client's own registration is in its ID tokens alone. Define and assign it in the application of this API. Or the name in the decorator is another than the value of the app role.",
  roles_text:
    "The claim roles is a text, and only a list of roles is read. A custom policy of B2C must give it as a stringCollection. To accept the text, use @RequiresClaim('roles', …) in place of @RequiresRole().",
  client: 'The client application is not in allowedClients.',
  daemon_client:
    "The client is in b2c.daemonClients, and the token is a person's. A client through which people sign in does not belong in that list.",
  caller: 'The route accepts only people, or only applications. The optional claim idtyp tells the two apart reliably.',
  guest: 'The person is a guest of the tenant. The optional claim acct tells this reliably.',
  no_groups: 'The token has no groups: set groupMembershipClaims in the manifest of this API.',
  group: 'The caller is in none of the groups.',
  groups_overage:
    'The person is in too many groups for the token: give initialize() a resolveGroups, or use app roles.',
  claims_challenge: 'A stronger sign-in is needed. The client got a challenge that tells it how to ask for one.',
  auth_context:
    'A stronger sign-in is needed, and the client did not declare the capability cp1, so it cannot be asked for one.',
  check:
    'A rule of this API refused the caller: @RequiresClaim() and its values, the function of @ClaimCheck(), or claimCheck of initialize(). A function lets a request pass by the value true alone.',
  no_keys: "The issuer's metadata or keys could not be loaded.",
  configuration: 'The API is configured wrongly.',
} as const satisfies Readonly<Record<string, string>>;

/** A stable name of a mistake. */
export type ExplanationCode = keyof typeof hints;

export const explanationCodes = Object.keys(hints) as readonly ExplanationCode[];

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
function microsoftApiOfToken({ header, payload }: SeenToken): string | undefined {
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
const issuerIn = ({ payload }: SeenToken) => (typeof payload?.['iss'] === 'string' ? payload['iss'] : '');

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

function findCode(key: string, ...seen: Parameters<Explainer>): ExplanationCode | undefined {
  const explainer = explainerOf.get(key);
  return typeof explainer === 'function' ? explainer(...seen) : explainer;
}

/** The names of which a verified token lacks all. */
const missingIn = (refusal: Refusal): readonly string[] =>
  (refusal as { readonly missing?: readonly string[] }).missing ?? [];

/** The names by which a client asks for what a route demands; undefined where the registration is not known. */
function namesToAskFor(
  refusal: Refusal,
  { payload = {} }: SeenToken,
  settings: Settings,
  { scheme, scopes = [] }: RefusedRoute,
): readonly string[] | undefined {
  const of = scheme === 'any' ? claimedScheme(payload, settings) : scheme;
  const registration = settings[of];
  if (registration === undefined) return undefined;
  const missing = missingIn(refusal);
  const wanted = missing.length > 0 ? missing : scopes;
  const { entra, b2c, resourceMetadata } = settings;
  if (wanted.length > 0) {
    return of === 'b2c'
      ? askedScopeNames(wanted, resourceMetadata?.scopes, undefined, b2c)
      : askedScopeNames(wanted, resourceMetadata?.scopes, entra, undefined);
  }
  // All that is consented to. B2C has no such name for people.
  return [`${appIdUriOf(registration)}/${of === 'b2c' ? '<scope>' : '.default'}`];
}

/** A hint with the names of this API and of this route in their places. */
function filledIn(hint: string, ...seen: Parameters<typeof namesToAskFor>): string {
  const missing = missingIn(seen[0]);
  const named = hint.replace(/ <name>/, missing.length === 0 ? '' : ` ${missing.join(' or ')}`);
  if (!named.includes(anyScope)) return named;
  const names = namesToAskFor(...seen);
  return names === undefined ? named : named.replace(anyScope, names.join(' or '));
}

/** The codes of a token that another issuer made than the configured one, of the same scheme. */
const codesOfIssuer: Readonly<Partial<Record<ExplanationCode, Scheme>>> = {
  issuer: 'entra',
  wrong_tenant: 'entra',
  wrong_cloud: 'entra',
  wrong_instance: 'entra',
  b2c_issuer: 'b2c',
  b2c_host: 'b2c',
};

/** The authorities whose issuers are accepted, by the configuration. All policies of B2C have the issuer of their host. */
function authoritiesFor(code: ExplanationCode, token: SeenToken, { entra, b2c }: Settings): readonly Authority[] {
  const scheme = codesOfIssuer[code];
  if (scheme === 'entra' && entra !== undefined) return [entraAuthority(entra, tokenVersionOf(issuerIn(token)))];
  if (scheme !== 'b2c' || b2c === undefined) return [];
  const { instances, policies } = b2c;
  return policies.slice(0, 1).flatMap((policy) => instances.map((instance) => b2cAuthority(b2c, policy, instance)));
}

/** Where the issuer stands that is expected. The one of the token is not repeated. */
function expectedIssuer(...seen: Parameters<typeof authoritiesFor>): string {
  const urls = authoritiesFor(...seen).map(({ metadataUrl }) => metadataUrl);
  return urls.length === 0 ? '' : ` Expected is the issuer that ${urls.join(' or ')} names.`;
}

/** What the options of an authority are called, whichever it is. */
const anyAuthority = {
  options: 'tenantId and instance (B2C: b2c.domainName and b2c.policies)',
  hostOptions: 'instance (B2C: b2c.domainName, b2c.customDomain and b2c.instance)',
};

/** What to change. An error of the application's own has its own code and message. */
function hintFor(
  code: ExplanationCode | undefined,
  refusal: Refusal,
  token: SeenToken,
  settings: Settings,
  route: RefusedRoute,
): string {
  const { tokenHeader = 'Authorization' } = settings;
  const failedCall = describeFailedCall(refusal, token.payload);
  if (failedCall !== undefined) return `${refusal.message} ${failedCall}`;
  if (route.unverified !== undefined) return route.unverified;
  if (code === undefined) return refusal.message;
  if (code === 'configuration' && refusal instanceof ConfigurationError) return `${hints[code]} ${refusal.message}`;
  if (code === 'no_keys') return `${hints[code]} ${adviceOn(refusal.cause, anyAuthority)}`;
  const api = code === 'graph_token' || code === 'microsoft_api' ? microsoftApiOfToken(token) : undefined;
  const hint = api === undefined ? hints[code].replace('Authorization', tokenHeader) : forMicrosoft(api);
  return `${filledIn(hint, refusal, token, settings, route)}${expectedIssuer(code, token, settings)}`;
}

/** Explains a refusal. */
export function explain(refusal: Refusal, token: SeenCredential, settings: Settings, route: RefusedRoute): Explanation {
  const { reason } = refusal as { readonly reason?: string };
  const isTooEarly = route.unverified !== undefined;
  const found = isTooEarly ? 'not_verified_yet' : findCode(reason ?? refusal.code, token, settings, route);
  const remark = found === 'audience_uri' || found === 'issuer' ? versionRemark(token, settings) : undefined;
  const hint = hintFor(found, refusal, token, settings, route);
  return Object.freeze({
    code: remark ?? found ?? refusal.code,
    hint: remark === undefined ? hint : `${hints[remark]} ${hint}`,
    status: refusal.status,
    error: refusal.code,
    reason,
    route: route.name,
    request: route.requestLine,
  });
}
