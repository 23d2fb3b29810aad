/** Why a request was refused, and what to change, for the developer of the API. Pure functions. */
import type { AccessTokenClaims } from '../core/access-token-claims.js';
import { hasAudience } from '../core/audience.js';
import type { Explanation } from '../core/channels.js';
import { isShared } from '../core/configuration/configured-tenant.js';
import type { Settings } from '../core/configuration/settings.js';
import type { InsufficientScopeReason, InvalidTokenReason, Refusal } from '../core/errors.js';
import { entraAuthority } from '../core/issuers/authority.js';
import { isExternalId, tenantOfIssuer, tokenVersionOf } from '../core/issuers/issuer.js';
import { isB2cHost, serveOneCloud } from '../core/microsoft-hosts.js';
import { namedPolicy } from '../core/token/b2c-policy.js';
import { clientOf, groupsOf, hasRegisteredClaims, rolesOf, scopesOf } from '../core/token/claims.js';
import type { SeenToken } from '../core/token/parsed-token.js';
import { callsAsApp, looksLikeIdToken } from '../core/token/token-kind.js';
import { isLoopback, parseUrl } from '../core/url.js';

/** What to change, for each code of an {@link Explanation}. docs/diagnostics.md lists the same codes. */
export const hints = {
  no_token: 'The request has no Authorization: Bearer header. A proxy may have removed it.',
  two_headers: 'The request has two Authorization headers. A proxy may have added one.',
  malformed: 'This is not a token as Microsoft issues it: part of it was cut off, quoted or added in transit.',
  algorithm:
    'The token is not signed with RS256. It does not come from Microsoft, or its application has its own signing key.',
  no_kid: 'The token has no kid. It does not come from Microsoft.',
  unknown_key:
    'The issuer has no such key. The token comes from another tenant or cloud, or from a test issuer that was stopped.',
  own_signing_key:
    'The issuer has no such key, and all else fits: the enterprise application of this API has its own signing key (SAML, claims mapping). Set ownSigningKey.',
  signature: 'The signature does not match. The token was changed in transit.',
  graph_token:
    "The token is for Microsoft Graph: the client asked for one of Graph's scopes. It must ask for api://<client id>/<scope> of this API.",
  client_token:
    "The token is for the client itself: the client asked for its own client id, or for no API's scope. It must ask for api://<client id>/<scope> of this API.",
  audience_form: 'The audience differs from an accepted one only in letter case or form. Add it to audience.',
  audience: 'The token is for another API. If its audience is another name of this API, add it to audience.',
  v1_token:
    'This is a v1.0 token: requestedAccessTokenVersion in the manifest of this API is not 2. Such tokens are accepted. Their audience is often the Application ID URI.',
  wrong_tenant:
    'The token comes from another tenant: look at tenantId. To accept several tenants, use organizations and allowedTenants.',
  wrong_cloud: 'The token comes from another cloud: look at instance, and at the authority of the client.',
  wrong_instance: 'The token comes from another kind of authority (External ID or not): look at instance.',
  issuer: "The issuer is not the one in the tenant's metadata: look at tenantId and instance.",
  entra_token: 'The token comes from Entra ID, and only b2c is configured.',
  b2c_token:
    'The token comes from Azure AD B2C, and the route takes only tokens of Entra ID, or initialize() was given no b2c.',
  b2c_host:
    'The token comes from another host of B2C than the configured one. To accept both, set b2c.customDomain and b2c.instance.',
  b2c_issuer: "The issuer is not the one in the policy's metadata: look at b2c.domainName and b2c.tenantId.",
  no_policy: 'The token has no policy. It comes from Entra ID, and the route has @RequiresB2cAuth().',
  policy: 'The policy is not among b2c.policies, or the route does not accept it.',
  tenant: 'The tenant is not allowed: look at allowedTenants.',
  expired:
    "The token has expired. The client must not store tokens itself. If the token is new, look at this machine's clock.",
  clock_skew: "The token is not valid yet: look at this machine's clock, or at clockToleranceSeconds.",
  id_token: 'This is an ID token. The client must send the access token that it got for a scope of this API.',
  no_permission:
    'The token has neither scp nor roles. For a person: the scope was not consented to. For an application: no app role was assigned, or no administrator consented.',
  token_type: 'The token is not an access token for an API.',
  scope_missing: 'The scope was not asked for or not consented to: the client must ask for api://<client id>/<scope>.',
  app_role_missing:
    'An application calls without a person, and its roles do not contain the name. Define an app role of that name, assign it, and have an administrator consent.',
  role_missing: 'The role was not assigned to the caller, or only after the token was issued.',
  client: 'The client application is not in allowedClients.',
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
  no_keys: "The issuer's metadata or keys could not be loaded: look at tenantId, instance and the network.",
  configuration: 'The API is configured wrongly: look at the warning that the process emitted.',
} as const satisfies Readonly<Record<string, string>>;

/** A stable name of a mistake. */
export type ExplanationCode = keyof typeof hints;

export const explanationCodes = Object.keys(hints) as readonly ExplanationCode[];

const graphAudiences: ReadonlySet<unknown> = new Set([
  '00000003-0000-0000-c000-000000000000',
  'https://graph.microsoft.com',
  'https://graph.microsoft.com/',
  '00000002-0000-0000-c000-000000000000',
  'https://graph.windows.net',
  'https://graph.windows.net/',
]);

const withoutScheme = (audience: unknown) =>
  typeof audience === 'string' ? audience.replace(/^api:\/\//, '').replace(/\/$/, '') : undefined;

function explainAudience({ payload: claims = {} }: SeenToken, settings: Settings): ExplanationCode {
  if (graphAudiences.has(claims['aud'])) return 'graph_token';
  const accepted = [...(settings.entra?.audiences ?? []), ...(settings.b2c?.audiences ?? [])];
  const given = withoutScheme(claims['aud'])?.toLowerCase();
  if (given !== undefined && accepted.some((audience) => audience.toLowerCase() === given)) return 'audience_form';
  return typeof claims['aud'] === 'string' && claims['aud'] === clientOf(claims) ? 'client_token' : 'audience';
}

const hostnameOf = (url: unknown) => parseUrl(url)?.hostname ?? '';

function explainIssuer({ payload: claims = {} }: SeenToken, { entra, b2c }: Settings): ExplanationCode {
  const iss = typeof claims['iss'] === 'string' ? claims['iss'] : '';
  const host = hostnameOf(iss);
  if (isB2cHost(host) || claims['tfp'] !== undefined) {
    if (b2c === undefined) return 'b2c_token';
    if (!b2c.instances.some((instance) => hostnameOf(instance) === host)) return 'b2c_host';
    // The tenant is the configured one, so it is the route that does not take the token.
    return b2c.tenantId !== undefined && tenantOfIssuer(iss) === b2c.tenantId ? 'b2c_token' : 'b2c_issuer';
  }
  if (entra === undefined) return 'entra_token';
  if (isExternalId(iss) !== isExternalId(`${entra.instance}/`)) return 'wrong_instance';
  if (!serveOneCloud(host, hostnameOf(entra.instance))) return 'wrong_cloud';
  const tenant = tenantOfIssuer(iss);
  return tenant !== undefined && tenant !== entra.tenantId ? 'wrong_tenant' : 'issuer';
}

function explainKind({ payload: claims = {} }: SeenToken): ExplanationCode {
  if (looksLikeIdToken(claims)) return 'id_token';
  return rolesOf(claims).length === 0 && scopesOf(claims).length === 0 ? 'no_permission' : 'token_type';
}

/** Graph's tokens are signed with the tenant's keys, over a header that was changed afterwards: only Graph can verify them. */
const isForGraph = ({ header, payload }: SeenToken) =>
  header?.['nonce'] !== undefined || graphAudiences.has(payload?.['aud']);

/** Whether a key of the API's own may explain a token that has everything right but the key. */
function maySignWithOwnKey({ payload: claims = {} }: SeenToken, { entra }: Settings): boolean {
  if (entra === undefined || entra.ownSigningKey || isShared(entra.tenantId)) return false;
  // On loopback it is the key of a test issuer that was stopped.
  if (isLoopback(hostnameOf(entra.instance)) || !hasRegisteredClaims(claims)) return false;
  const authority = entraAuthority(entra, tokenVersionOf(claims.iss));
  return authority.mayIssueAs(claims.iss) && hasAudience(claims, entra.audiences);
}

function explainKey(token: SeenToken, settings: Settings): ExplanationCode {
  if (isForGraph(token)) return 'graph_token';
  if (typeof token.header?.['kid'] !== 'string') return 'no_kid';
  return maySignWithOwnKey(token, settings) ? 'own_signing_key' : 'unknown_key';
}

function explainPolicy(token: SeenToken, settings: Settings): ExplanationCode {
  const policy = namedPolicy(token.payload ?? {});
  // Entra's v1.0 tokens have an authentication context class in acr.
  if (policy !== undefined && policy !== '0' && policy !== '1') return 'policy';
  return explainIssuer(token, settings) === 'entra_token' ? 'entra_token' : 'no_policy';
}

function explainGroup({ payload: claims = {} }: SeenToken): ExplanationCode {
  return groupsOf(claims as AccessTokenClaims).length === 0 ? 'no_groups' : 'group';
}

type Reason = InvalidTokenReason | InsufficientScopeReason;

/** The refusals that have no reason, by their code. */
type CodeWithoutReason =
  'missing_token' | 'invalid_request' | 'issuer_unavailable' | 'insufficient_claims' | 'invalid_configuration';

/** The code of a refusal, or how a look at the token finds it, by the refusal's reason, or by its code. */
const explainers: Readonly<
  Record<Reason | CodeWithoutReason, ExplanationCode | ((token: SeenToken, settings: Settings) => ExplanationCode)>
> = {
  missing_token: 'no_token',
  invalid_request: 'two_headers',
  malformed: 'malformed',
  algorithm: 'algorithm',
  key: explainKey,
  signature: (token) => (isForGraph(token) ? 'graph_token' : 'signature'),
  expired: 'expired',
  not_yet_valid: 'clock_skew',
  issuer: explainIssuer,
  audience: explainAudience,
  tenant: 'tenant',
  policy: explainPolicy,
  token_type: explainKind,
  scope: ({ payload: claims = {} }) => (callsAsApp(claims) ? 'app_role_missing' : 'scope_missing'),
  role: 'role_missing',
  client: 'client',
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

function findCode(key: string, token: SeenToken, settings: Settings): ExplanationCode | undefined {
  const explainer = explainerOf.get(key);
  return typeof explainer === 'function' ? explainer(token, settings) : explainer;
}

/** Explains a refusal. */
export function explain(refusal: Refusal, token: SeenToken, settings: Settings): Explanation {
  const { reason } = refusal as { readonly reason?: string };
  const found = findCode(reason ?? refusal.code, token, settings);
  const remark = found === 'audience' || found === 'issuer' ? versionRemark(token, settings) : undefined;
  // An error of the application's own has its own code and message.
  const hint = found === undefined ? refusal.message : hints[found];
  return Object.freeze({
    code: remark ?? found ?? refusal.code,
    hint: remark === undefined ? hint : `${hints[remark]} ${hint}`,
    status: refusal.status,
    error: refusal.code,
    reason,
  });
}
