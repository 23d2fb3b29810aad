/** The options of `initialize`. */
import type { AccessTokenClaims } from '../access-token-claims.js';

/** Azure AD B2C, as given to {@link IdentityOptions.b2c}. */
export interface B2cOptions {
  /** The tenant's name: `contoso` for contoso.onmicrosoft.com. */
  readonly domainName: string;
  /** The user flow or custom policy, or several, whose tokens are accepted. */
  readonly policies: string | readonly string[];
  /** The B2C tenant's GUID. Default: the `tenantId` above, where that is a GUID. */
  readonly tenantId?: string | undefined;
  /** The API's app registration in the B2C tenant. Default: the `clientId` above. */
  readonly clientId?: string | undefined;
  /** Audiences accepted beside `<clientId>` and `api://<clientId>`. */
  readonly audience?: string | readonly string[] | undefined;
  /** The authority's origin, in place of `https://<domainName>.b2clogin.com`. */
  readonly instance?: string | undefined;
  /** A custom domain's bare host name, in place of `<domainName>.b2clogin.com`; beside `instance`, both are accepted. */
  readonly customDomain?: string | undefined;
}

/** What the API says of itself to clients (RFC 9728), as given to {@link IdentityOptions.resourceMetadata}. */
export interface ResourceMetadataOptions {
  /** The API's resource identifier: the https URL that clients call, without a fragment. */
  readonly resource: string;
  /** The scopes a client may ask for, by their short names. */
  readonly scopes?: readonly string[] | undefined;
  /** The API's name, for people. */
  readonly name?: string | undefined;
  /** Where developers read about the API. */
  readonly documentation?: string | undefined;
}

/** The options of `initialize`. */
export interface IdentityOptions {
  /** The tenant: its GUID, a verified domain, or `organizations`, `common`, `consumers`. */
  readonly tenantId?: string | undefined;
  /** The API's app registration (application id, a GUID). */
  readonly clientId?: string | undefined;
  /** Audiences accepted beside `<clientId>` and `api://<clientId>`; compared exactly, one trailing slash apart. */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * The authority's origin: a {@link Cloud}, `https://<name>.ciamlogin.com` (with or without the tenant as its path), or a
   * custom domain. Default `https://login.microsoftonline.com`. `http:` is for loopback addresses alone.
   */
  readonly instance?: string | undefined;
  /**
   * Which tenants may call: GUIDs, `'*'`, or a function that is asked for each request once its token verified. Required
   * with `organizations` and `common`, refused beside a single tenant.
   */
  readonly allowedTenants?: '*' | readonly string[] | ((tid: string) => boolean | Promise<boolean>) | undefined;
  /** Which client applications may call (`azp`, or `appid` in v1.0 tokens). Default: any. */
  readonly allowedClients?: readonly string[] | undefined;
  /** Looks up the groups of a caller who is in too many for the token to hold. Default: such a caller is refused. */
  readonly resolveGroups?: ((claims: AccessTokenClaims) => readonly string[] | Promise<readonly string[]>) | undefined;
  /** Azure AD B2C, alone or beside Entra ID. */
  readonly b2c?: B2cOptions | undefined;
  /** What the API says of itself, so that clients find the issuer (RFC 9728). Default: nothing. */
  readonly resourceMetadata?: ResourceMetadataOptions | undefined;
  /** Whether refusals are explained to the developer. Default: unless `NODE_ENV` is `production`. */
  readonly diagnostics?: boolean | undefined;
  /** Tolerance for `exp`, `nbf` and `iat`, in seconds, 0 to 300. Default 5. */
  readonly clockToleranceSeconds?: number | undefined;
  /** `'respond'` (default): a refusal is answered at once. `'forward'`: it goes to the application's error handler. */
  readonly errors?: 'respond' | 'forward' | undefined;
  /** The cache of verified tokens: `false` turns it off; `maxEntries` bounds it, default 10,000. */
  readonly tokenCache?: false | { readonly maxEntries?: number | undefined } | undefined;
  /** Fetches OpenID configurations and keys, for proxies and custom TLS. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}
