/** What is configured, after the options were checked? */
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { ApplicationCheck, ResourceMetadataOptions } from './options.js';

/** Which Entra tokens are accepted. */
export interface EntraSettings {
  readonly kind: 'entra';
  readonly tenantId: string;
  readonly clientId: string;
  readonly audiences: readonly string[];
  readonly instance: string;
  /** The tenant in the path of the OpenID configuration. */
  readonly tenantPath: string;
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
  /** The GUID that the issuer must name; undefined: any. */
  readonly tenantId: string | undefined;
  readonly clientId: string;
  readonly audiences: readonly string[];
  /** The origins of the authority: one, or a custom domain and another. */
  readonly instances: readonly string[];
  readonly policies: readonly string[];
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
  readonly resourceMetadata: ResourceMetadataOptions | undefined;
  /** Whether refusals are explained; undefined: the environment decides. */
  readonly diagnostics: boolean | undefined;
  readonly clockToleranceSeconds: number;
  readonly errors: 'respond' | 'forward';
  readonly tokenCacheEntries: number;
  readonly tokenCacheBytes: number;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
}

/** Which kind of authority a token must come from. */
export type Scheme = 'entra' | 'b2c';
