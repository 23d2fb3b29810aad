/** The checked settings that everything else works from. */
import type { AccessTokenClaims } from '../access-token-claims.js';
import type { ResourceMetadataOptions } from './options.js';

/** How an Entra tenant is accepted. */
export interface EntraSettings {
  readonly kind: 'entra';
  readonly tenantId: string;
  readonly clientId: string;
  readonly audiences: readonly string[];
  readonly instance: string;
  /** How metadata names the tenant in its path. */
  readonly tenantPath: string;
  readonly allowedTenants: '*' | ReadonlySet<string> | TenantQuestion | undefined;
}

/** Asked whether a tenant may call, once a token of it verified. */
export type TenantQuestion = (tid: string) => boolean | Promise<boolean>;

/** Looks up the groups of a caller whose token could not hold them. */
export type GroupsResolver = (claims: AccessTokenClaims) => Promise<readonly string[]>;

/** How a B2C tenant is accepted. */
export interface B2cSettings {
  readonly kind: 'b2c';
  readonly domainName: string;
  /** The GUID that the issuer must name, where it is known. */
  readonly tenantId: string | undefined;
  readonly clientId: string;
  readonly audiences: readonly string[];
  /** The authority hosts: one, or a custom domain beside another. */
  readonly instances: readonly string[];
  readonly policies: readonly string[];
}

/** The checked settings that everything else works from. */
export interface Settings {
  readonly entra: EntraSettings | undefined;
  readonly b2c: B2cSettings | undefined;
  readonly allowedClients: ReadonlySet<string> | undefined;
  readonly resolveGroups: GroupsResolver | undefined;
  readonly resourceMetadata: ResourceMetadataOptions | undefined;
  /** Whether refusals are explained; undefined leaves it to the environment. */
  readonly diagnostics: boolean | undefined;
  readonly clockToleranceSeconds: number;
  readonly errors: 'respond' | 'forward';
  readonly tokenCacheEntries: number;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
}

/** Which kind of authority a token must come from. */
export type Scheme = 'entra' | 'b2c';
