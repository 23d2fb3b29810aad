/** Why a token was refused, in words for the developer of the API. Pure functions. */
import type { AccessTokenClaims, UnverifiedClaims } from '../core/access-token-claims.js';
import type { Explanation } from '../core/channels.js';
import type { Settings } from '../core/configuration/settings.js';
import type { Refusal } from '../core/errors.js';
import { isExternalId, namedPolicy, tenantOfIssuer, tokenVersionOf } from '../core/issuers/issuer.js';
import { isB2cHost, serveOneCloud } from '../core/microsoft-hosts.js';
import { callsAsApp, clientOf, groupsOf, looksLikeIdToken, rolesOf, scopesOf } from '../core/token/claims.js';
import type { SeenToken } from '../core/token/parsed-token.js';
import { parseUrl } from '../core/url.js';

/** A cause and its remedy. */
type Finding = readonly [code: string, hint: string];

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

function explainAudience(claims: UnverifiedClaims, settings: Settings): Finding {
  if (graphAudiences.has(claims['aud'])) {
    return [
      'graph_token',
      "The token is for Microsoft Graph: the client asked for one of Graph's scopes. It must ask for api://<client id>/<scope> of this API.",
    ];
  }
  const accepted = [...(settings.entra?.audiences ?? []), ...(settings.b2c?.audiences ?? [])];
  const given = withoutScheme(claims['aud']);
  if (given !== undefined && accepted.some((audience) => audience.toLowerCase() === given.toLowerCase())) {
    return [
      'audience_form',
      'The audience differs from an accepted one in letter case or form alone: name it in audience.',
    ];
  }
  if (typeof claims['aud'] === 'string' && claims['aud'] === clientOf(claims)) {
    return [
      'client_token',
      "The token is for the client itself: it asked for its own client id, or for no API's scope. It must ask for api://<client id>/<scope> of this API.",
    ];
  }
  return [
    'audience',
    'The token is for another API. Where this API goes by that application id URI too, name it in audience.',
  ];
}

const hostOf = (url: unknown) => parseUrl(url)?.hostname ?? '';

function explainIssuer(claims: UnverifiedClaims, { entra, b2c }: Settings): Finding {
  const { iss } = claims;
  const host = hostOf(iss);
  if (isB2cHost(host) || claims['tfp'] !== undefined) {
    if (b2c === undefined)
      return ['b2c_token', 'The token comes from Azure AD B2C, and initialize() was given no b2c.'];
    if (!b2c.instances.some((instance) => hostOf(instance) === host)) {
      return [
        'b2c_host',
        'The token comes from another host of B2C than configured: b2c.customDomain and b2c.instance together accept both.',
      ];
    }
    return [
      'b2c_issuer',
      "The issuer is not what the policy's metadata names: look at b2c.domainName and b2c.tenantId.",
    ];
  }
  if (entra === undefined) return ['entra_token', 'The token comes from Entra ID, and only b2c is configured.'];
  if (isExternalId(String(iss)) !== isExternalId(`${entra.instance}/`)) {
    return ['wrong_instance', 'The token comes from another kind of authority (External ID or not): look at instance.'];
  }
  if (!serveOneCloud(host, hostOf(entra.instance))) {
    return ['wrong_cloud', 'The token comes from another cloud: look at instance, and at the authority of the client.'];
  }
  const tenant = tenantOfIssuer(String(iss));
  if (tenant !== undefined && tenant !== entra.tenantId) {
    return [
      'wrong_tenant',
      'The token comes from another tenant: look at tenantId, or decide for several with organizations and allowedTenants.',
    ];
  }
  return ['issuer', "The issuer is not what the tenant's metadata names: look at tenantId and instance."];
}

function explainKind(claims: UnverifiedClaims): Finding {
  if (looksLikeIdToken(claims)) {
    return [
      'id_token',
      'This is an ID token. The client must send the access token that it got for a scope of this API.',
    ];
  }
  if (rolesOf(claims).length === 0 && scopesOf(claims).length === 0) {
    return [
      'no_permission',
      'The token has neither scp nor roles. For a person: the scope was not consented to. For an application: no app role was assigned, or no administrator consented.',
    ];
  }
  return ['token_type', 'The token is not an access token for an API.'];
}

/** Graph's tokens are signed with the tenant's keys over a header that was changed afterwards: no one else can check them. */
function explainGraph({ header, payload }: SeenToken): Finding | undefined {
  if (header?.['nonce'] === undefined && !graphAudiences.has(payload?.['aud'])) return undefined;
  return [
    'graph_token',
    "The token is for Microsoft Graph, which alone can check it: the client asked for one of Graph's scopes. It must ask for api://<client id>/<scope> of this API.",
  ];
}

/** What an issuer says that has keys of its own. */
const foreignIssuers: ReadonlySet<string> = new Set([
  'b2c_token',
  'b2c_host',
  'entra_token',
  'wrong_instance',
  'wrong_cloud',
]);

function explainKey(token: SeenToken, settings: Settings): Finding {
  const { header, payload } = token;
  const graph = explainGraph(token);
  if (graph !== undefined) return graph;
  if (typeof header?.['kid'] !== 'string')
    return ['no_kid', 'The token names no key: it does not come from Microsoft.'];
  if (typeof payload?.['iss'] === 'string') {
    const finding = explainIssuer(payload, settings);
    if (foreignIssuers.has(finding[0])) return finding;
  }
  return [
    'unknown_key',
    'The issuer has no such key: the token comes from another tenant or cloud, or from a test issuer that is gone.',
  ];
}

function explainScope({ payload }: SeenToken): Finding {
  const claims = payload ?? {};
  if (callsAsApp(claims)) {
    return [
      'app_role_missing',
      'An application calls on its own behalf, and its roles do not hold the name: define an app role of that name, assign it, and have an administrator consent.',
    ];
  }
  return [
    'scope_missing',
    'The scope was not asked for or not consented to: the client must ask for api://<client id>/<scope>.',
  ];
}

const signatureFinding: Finding = ['signature', 'The signature does not match: the token was changed on its way.'];

const outright: Readonly<Record<string, Finding>> = {
  missing_token: ['no_token', 'There is no Authorization: Bearer header. A proxy may have removed it.'],
  invalid_request: ['two_headers', 'There are two Authorization headers: a proxy may add one of its own.'],
  issuer_unavailable: [
    'no_keys',
    "The issuer's metadata or keys could not be loaded: look at tenantId, instance and the network.",
  ],
  insufficient_claims: ['claims_challenge', 'A stronger sign-in is needed, and the client was told how to ask for it.'],
  invalid_configuration: [
    'configuration',
    'The API itself is set up wrongly; see the warning that the process emitted.',
  ],
  malformed: [
    'malformed',
    'That is no token as Microsoft issues it: a part of it was lost, quoted, or added to on its way.',
  ],
  algorithm: [
    'algorithm',
    'The token is not signed with RS256: it does not come from Microsoft, or from an application with its own key.',
  ],
  expired: [
    'expired',
    "The token is too old. The client must not keep tokens itself; where it is new, look at this machine's clock.",
  ],
  not_yet_valid: [
    'clock_skew',
    "The token is from the future: look at this machine's clock, or at clockToleranceSeconds.",
  ],
  tenant: ['tenant', 'The tenant may not call: look at allowedTenants.'],
  role: ['role_missing', 'The role was not assigned to the caller, or the token is older than the assignment.'],
  client: ['client', 'The client application is not among allowedClients.'],
  caller: [
    'caller',
    'The route takes people alone, or applications alone. With the optional claim idtyp the two are told apart for certain.',
  ],
  guest: ['guest', 'The person is a guest of the tenant. With the optional claim acct that is told for certain.'],
  groups_overage: [
    'groups_overage',
    'The person is in too many groups for the token: give initialize() a resolveGroups, or use app roles.',
  ],
  auth_context: [
    'auth_context',
    'The client did not declare the capability cp1, so it cannot be sent for a stronger sign-in.',
  ],
};

function explainPolicy(claims: UnverifiedClaims): Finding {
  const named = namedPolicy(claims);
  // Entra's v1.0 tokens have an authentication context class in acr.
  if (named === undefined || named === '0' || named === '1') {
    return ['no_policy', 'The token names no policy: it comes from Entra ID, and the route bears @RequiresB2cAuth().'];
  }
  return ['policy', 'The policy is not among b2c.policies, or not among those of the route.'];
}

function explainGroup({ payload }: SeenToken): Finding {
  const groups = payload === undefined ? [] : groupsOf(payload as AccessTokenClaims);
  return groups.length === 0
    ? ['no_groups', 'The token has no groups: set groupMembershipClaims in the manifest of this API.']
    : ['group', 'The caller is in none of the groups.'];
}

function find(refusal: Refusal, token: SeenToken, settings: Settings): Finding {
  const { reason } = refusal as { readonly reason?: string };
  const claims = token.payload ?? {};
  switch (reason) {
    case 'audience':
      return explainAudience(claims, settings);
    case 'issuer':
      return explainIssuer(claims, settings);
    case 'token_type':
      return explainKind(claims);
    case 'key':
      return explainKey(token, settings);
    case 'signature':
      return explainGraph(token) ?? signatureFinding;
    case 'policy':
      return explainPolicy(claims);
    case 'scope':
      return explainScope(token);
    case 'group':
      return explainGroup(token);
    default:
      return outright[reason ?? refusal.code] ?? [refusal.code, refusal.message];
  }
}

/** What a v1.0 token means where v2.0 was expected; true of many refusals, the cause of few. */
export function versionRemark({ payload }: SeenToken, settings: Settings): Finding | undefined {
  if (payload === undefined || settings.entra === undefined || payload['tfp'] !== undefined) return undefined;
  if (tokenVersionOf(payload['iss']) !== 'v1') return undefined;
  return [
    'v1_token',
    'This is a v1.0 token: requestedAccessTokenVersion in the manifest of this API is not 2. Such tokens are accepted, and their audience is often the application id URI.',
  ];
}

/** Explains a refusal. */
export function explain(refusal: Refusal, token: SeenToken, settings: Settings): Explanation {
  const [code, hint] = find(refusal, token, settings);
  const remark = code === 'audience' || code === 'issuer' ? versionRemark(token, settings) : undefined;
  const { reason } = refusal as { readonly reason?: string };
  return Object.freeze({
    code: remark?.[0] ?? code,
    hint: remark === undefined ? hint : `${remark[1]} ${hint}`,
    status: refusal.status,
    error: refusal.code,
    reason,
  });
}
