/** What to change, for each mistake that a refusal is explained with. */
import { remedy } from './not-verified-yet.js';

/** How a client asks for a scope of this API, where the names of the API and of the scope are not known. */
export const anyScope = 'api://<client id>/<scope>';

export const forMicrosoft = (api: string) =>
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
  caller:
    "The route accepts only people, or only applications. The optional claim idtyp tells the two apart reliably. Or the route calls another API on behalf of the user, and an application has none: put @RequiresAuth({ callers: 'user' }) on the route, or call with @AsApplication().",
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
