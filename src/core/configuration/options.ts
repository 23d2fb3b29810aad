/** Which options does `initialize` take? */
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { DownstreamOptions } from './downstream-options.js';

/** The options of Azure AD B2C, for {@link IdentityOptions.b2c}. */
export interface B2cOptions {
  /**
   * The tenant's name: `contoso` for contoso.onmicrosoft.com. In China, and where the domain ends in onmicrosoft.us, the
   * whole domain: `contoso.partner.onmschina.cn`.
   */
  readonly domainName: string;
  /** The user flows or custom policies whose tokens are accepted: one name, or a list. */
  readonly policies: string | readonly string[];
  /** The GUID of the B2C tenant. Default: {@link IdentityOptions.tenantId}, if that is a GUID. */
  readonly tenantId?: string | undefined;
  /** The client id of the API's app registration in the B2C tenant. Default: {@link IdentityOptions.clientId}. */
  readonly clientId?: string | undefined;
  /** Audiences that are accepted beside `<clientId>` and `api://<clientId>`. */
  readonly audience?: string | readonly string[] | undefined;
  /** The origin of the authority. Default: `https://<domainName>.b2clogin.com`, or the host in the cloud of the domain. */
  readonly instance?: string | undefined;
  /**
   * The host name of a custom domain, without a scheme. It replaces `<domainName>.b2clogin.com`. With `instance` beside
   * it, both are accepted.
   */
  readonly customDomain?: string | undefined;
  /**
   * The ids of the client applications that call on their own behalf alone (client credentials). B2C puts their application
   * permissions into `scp`, so that their tokens look like those of people. All other clients then count as people's. A
   * person's token of a client of the list is refused. Default: it is not known who calls.
   */
  readonly daemonClients?: readonly string[] | undefined;
}

/** What the API publishes about itself for clients (RFC 9728), for {@link IdentityOptions.resourceMetadata}. */
export interface ResourceMetadataOptions {
  /** The resource identifier of the API: the https URL that clients call, without a query and a fragment. */
  readonly resource: string;
  /** The short names of the scopes that a client can ask for. */
  readonly scopes?: readonly string[] | undefined;
  /** The name of the API, for people. */
  readonly name?: string | undefined;
  /** The https URL of the documentation for developers. */
  readonly documentation?: string | undefined;
}

/** What the developer is told of requests, for {@link IdentityOptions.diagnostics}. The caller is told nothing of it. */
export interface DiagnosticsOptions {
  /** Whether refusals are explained. Default: `true`, unless `NODE_ENV` is `production`. */
  readonly explanations?: boolean | undefined;
  /**
   * Whether the events of requests that were let in have the claims `tid`, `oid` and `azp` of the caller. They identify a
   * person. Default `false`.
   */
  readonly identifiers?: boolean | undefined;
}

interface ApplicationCheckMethod {
  // A method, because TypeScript lets its parameter `request` be of any type.
  check(claims: AccessTokenClaims, request: unknown): boolean | Promise<boolean>;
}

/**
 * A rule of the application's own: whether the caller with these claims may make this request. Only `true` lets it pass.
 *
 * `request` is the request as handlers of the host get it; on hosts of Fetch, the Fetch `Request`. A check may declare the
 * type of its framework: `(claims, request: Request)`.
 */
export type ApplicationCheck = ApplicationCheckMethod['check'];

/** The options of `initialize`. */
export interface IdentityOptions {
  /** The tenant: its GUID, a verified domain, or `organizations`, `common`, `consumers`. */
  readonly tenantId?: string | undefined;
  /** The application (client) id of the API's app registration, a GUID. */
  readonly clientId?: string | undefined;
  /**
   * Audiences that are accepted beside `<clientId>` and `api://<clientId>`. They are compared exactly, except that one
   * trailing slash is ignored.
   */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * The origin of the authority: a {@link Cloud}, `https://<name>.ciamlogin.com` (with or without the tenant as its
   * path), or a custom domain. Default `https://login.microsoftonline.com`. `http:` is only for loopback addresses.
   */
  readonly instance?: string | undefined;
  /**
   * Which tenants may call: a list of GUIDs, `'*'`, or a function that is called for each request after its token was
   * verified. Required if `tenantId` is `organizations` or `common`, refused if it is a single tenant.
   */
  readonly allowedTenants?: '*' | readonly string[] | ((tid: string) => boolean | Promise<boolean>) | undefined;
  /** The ids of the client applications that may call (`azp`, or `appid` in v1.0 tokens). Default: any. */
  readonly allowedClients?: readonly string[] | undefined;
  /** Looks up the groups of a caller who is in too many groups for the token. Default: such a caller is refused. */
  readonly resolveGroups?: ((claims: AccessTokenClaims) => readonly string[] | Promise<readonly string[]>) | undefined;
  /**
   * A check of the application's own for every token, such as whether its session was revoked. It is called for each
   * request, after all other checks, also for a token that is in the cache. Only `true`, or a promise of it, lets a
   * request pass. Any other value is answered with 403 (reason `check`), an error with 500.
   */
  readonly claimCheck?: ApplicationCheck | undefined;
  /**
   * Whether actions of routing-controllers and handlers of Nest that neither have nor inherit a decorator of this library
   * require a valid token. `@AllowAnonymous()` opens one. On Express, write `app.use(requiresAuth())`. Default `false`.
   */
  readonly requireAuth?: boolean | undefined;
  /**
   * The header that carries the token, for hosts that overwrite `Authorization`. It is read in its place, and never beside
   * it. Its value is `Bearer <token>`, or the token alone. Default `authorization`.
   */
  readonly tokenHeader?: string | undefined;
  /**
   * Whether the enterprise application of the API has a signing key of its own (SAML, claims mapping). Then its OpenID
   * configuration and keys are requested with `?appid=<client id>`. For a single Entra tenant. Default `false`.
   *
   * @see {@link https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signature Validate the signature}
   */
  readonly ownSigningKey?: boolean | undefined;
  /** Azure AD B2C, alone or beside Entra ID. */
  readonly b2c?: B2cOptions | undefined;
  /** The APIs that this one calls, on behalf of its callers or as itself. Default: none. */
  readonly downstream?: DownstreamOptions | undefined;
  /** What the API publishes about itself, so that clients find the issuer (RFC 9728). Default: nothing. */
  readonly resourceMetadata?: ResourceMetadataOptions | undefined;
  /** What the developer is told of requests. `true` and `false` stand for `{ explanations: true }` and `{ explanations: false }`. */
  readonly diagnostics?: boolean | DiagnosticsOptions | undefined;
  /** Tolerance for `exp`, `nbf` and `iat`, in seconds, 0 to 300. Default 5. */
  readonly clockToleranceSeconds?: number | undefined;
  /** `'respond'` (default): a refusal is answered at once. `'forward'`: the application's error handler gets it. */
  readonly errors?: 'respond' | 'forward' | undefined;
  /**
   * The cache of verified tokens. `false` turns it off. `maxEntries` (default 10,000) and `maxBytes` (default 67,108,864, which
   * is 64 MiB) limit its size, whichever is reached first. An entry counts as 1.25 times the length of its token.
   */
  readonly tokenCache?:
    false | { readonly maxEntries?: number | undefined; readonly maxBytes?: number | undefined } | undefined;
  /** Fetches OpenID configurations and keys, for proxies and custom TLS. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}
