/** Which options does `downstream` of `initialize` take? */
import type { TokenStore } from './token-store.js';

/**
 * How this API proves to the authority that it is the application `clientId`: exactly one of these.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/security-best-practices-for-app-registration#certificates-and-secrets Credentials}
 */
export type ClientCredential =
  | {
      /** A client secret of the app registration. */
      readonly clientSecret: string;
    }
  | {
      /** The certificate, in PEM. */
      readonly certificate: string;
      /** Its private key, in PEM. */
      readonly privateKey: string;
      /** Whether the certificate is sent along, for registrations that trust its subject name and issuer. Default false. */
      readonly sendX5c?: boolean | undefined;
    }
  | {
      /** Returns a client assertion. Is called for each token request, because an assertion is valid for a short time. */
      readonly assertion: () => string | Promise<string>;
    }
  | {
      /** The path of a file with a token of another identity provider. It is read at each use: Kubernetes rewrites it. */
      readonly federatedTokenFile: string;
    }
  | {
      /** The managed identity of the machine that the app registration trusts: `'system'`, or a client id. */
      readonly managedIdentity: string;
    };

/** An API that this one calls. */
export interface DownstreamApiOptions {
  /** The https URL that paths are added to, without a query. `http:` is only for loopback addresses. */
  readonly baseUrl: string;
  /** The full names of the scopes to ask for, all of one API: `https://graph.microsoft.com/User.Read`. */
  readonly scopes: string | readonly string[];
  /** The tenant of `asApplication`: a GUID, or `'caller'` for that of the caller. Default: the option `tenantId`. */
  readonly tenantId?: string | undefined;
  /** How long a call may take, in milliseconds, 1 to 300,000. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Headers of each call. Never `Authorization`, `Cookie` or `Host`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The APIs that this one calls, for {@link IdentityOptions.downstream}. */
export interface DownstreamOptions {
  /**
   * How this API proves to the authority who it is, or a function that returns that. The function is called for each token
   * request, so a credential can be replaced without a restart.
   */
  readonly credential: ClientCredential | (() => ClientCredential | Promise<ClientCredential>);
  /** The APIs, by the names that `@OnBehalfOf` and `@AsApplication` take. */
  readonly apis?: Readonly<Record<string, DownstreamApiOptions>> | undefined;
  /** Where several processes share tokens; see `redisTokenStore`. Default: each process has its own. */
  readonly store?: TokenStore | undefined;
  /** How many tokens are kept in this process, 1 to 1,000,000. Default 10,000. */
  readonly maxEntries?: number | undefined;
}
