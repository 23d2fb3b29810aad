/** What is configured, after the options were checked? */
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { ClientCredential } from './downstream-options.js';
import type { ApplicationCheck, ResourceMetadataOptions } from './options.js';
import type { TokenStore } from './token-store.js';

/** Which Entra tokens are accepted. */
export interface EntraSettings {
  readonly kind: 'entra';
  readonly tenantId: string;
  readonly clientId: string;
  readonly audiences: readonly string[];
  readonly instance: string;
  /** The tenant in the path of the OpenID configuration. */
  readonly tenantPath: string;
  /** Whether the documents are requested with the client id: tokens are signed with the application's own key. */
  readonly ownSigningKey: boolean;
  readonly allowedTenants: '*' | ReadonlySet<string> | TenantQuestion | undefined;
}

/** Decides whether a tenant may call. Called after the token was verified. */
export type TenantQuestion = (tid: string) => boolean | Promise<boolean>;

/** Looks up the groups of a caller who is in too many groups for the token. */
export type GroupsResolver = (claims: AccessTokenClaims) => Promise<readonly string[]>;

/** Which B2C tokens are accepted. */
export interface B2cSettings {
  readonly kind: 'b2c';
  readonly domainName: string;
  /** The domain that Microsoft gave the tenant when it was created: `contoso.onmicrosoft.com`. */
  readonly domain: string;
  /** The GUID that the issuer must name; undefined: any. */
  readonly tenantId: string | undefined;
  readonly clientId: string;
  readonly audiences: readonly string[];
  /** The origins of the authority: one, or a custom domain and another. */
  readonly instances: readonly string[];
  /** The clients that call on their own behalf alone. Undefined: it is not known which do. */
  readonly daemonClients: ReadonlySet<string> | undefined;
  readonly policies: readonly string[];
}

/** An API that this one calls. */
export interface DownstreamApiSettings {
  readonly name: string;
  /** Without a slash at its end. Undefined: of this API only tokens are asked for. */
  readonly baseUrl: string | undefined;
  readonly scopes: readonly string[];
  /** The resource that all scopes name, without the last segment. */
  readonly resource: string;
  /** The tenant of a token for the application itself: a GUID, or `caller`. */
  readonly tenantId: string | undefined;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The APIs that this one calls, and how it gets tokens for them. */
export interface DownstreamSettings {
  /**
   * Called for each token request. What a function of the application returns is checked as the option is.
   *
   * @throws ConfigurationError where the function returned something else
   * @throws whatever the function threw
   */
  readonly credential: () => Promise<ClientCredential>;
  /** Whether a function of the application returns the credential. */
  readonly hasCredentialFunction: boolean;
  readonly apis: ReadonlyMap<string, DownstreamApiSettings>;
  readonly store: TokenStore | undefined;
  /** How many tokens are kept in this process. */
  readonly maxEntries: number;
}

/** The settings of one configuration. */
export interface Settings {
  readonly entra: EntraSettings | undefined;
  readonly b2c: B2cSettings | undefined;
  readonly allowedClients: ReadonlySet<string> | undefined;
  readonly resolveGroups: GroupsResolver | undefined;
  /** Asked about every token that satisfies its route, for each request. */
  readonly claimCheck: ApplicationCheck | undefined;
  /** Whether routes without a decorator require a token. */
  readonly requireAuth: boolean;
  /** The header that is read in place of Authorization, in lower case; undefined: Authorization. */
  readonly tokenHeader: string | undefined;
  readonly resourceMetadata: ResourceMetadataOptions | undefined;
  /** Undefined: this API calls no other. */
  readonly downstream: DownstreamSettings | undefined;
  /** Whether refusals are explained; undefined: the environment decides. */
  readonly diagnostics: boolean | undefined;
  /** Whether events have the tenant, the person and the client of callers that were let in. */
  readonly identifiers: boolean;
  readonly clockToleranceSeconds: number;
  readonly errors: 'respond' | 'forward';
  readonly tokenCacheEntries: number;
  readonly tokenCacheBytes: number;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
}

/** Which kind of authority a token must come from. */
export type Scheme = 'entra' | 'b2c';
