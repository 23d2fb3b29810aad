/** The claims of an access token, verified or not. */

/**
 * The claims of a verified access token, frozen.
 *
 * A class so that `@TokenClaims() claims: AccessTokenClaims` survives every compiler: in a decorated signature a type
 * is imported at run time. Its instances are plain objects. Never authorize on `email`, `upn`, `preferred_username` or
 * `name`: their owners can change them. `tid` and `oid` together identify a person.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference Access token claims reference}
 */
export class AccessTokenClaims {
  /** The issuer, as its metadata states it. */
  declare readonly iss: string;
  /** The API, or APIs, the token is for. */
  declare readonly aud: string | readonly string[];
  /** When the token ends, in seconds since the epoch. */
  declare readonly exp: number;
  /** When the token starts, in seconds since the epoch. */
  declare readonly nbf?: number;
  /** When the token was issued, in seconds since the epoch. */
  declare readonly iat?: number;
  /** The subject: a person or application, by an id that differs from API to API. */
  declare readonly sub?: string;
  /** The tenant's GUID. B2C leaves it out by default. */
  declare readonly tid?: string;
  /** The GUID of the person or application in its tenant. */
  declare readonly oid?: string;
  /** The scopes a person consented to, separated by single spaces. App-only tokens have none; in B2C they have their permissions here. */
  declare readonly scp?: string;
  /** The roles given to the person or application. */
  declare readonly roles?: readonly string[];
  /** The client application (v2.0 and B2C tokens). */
  declare readonly azp?: string;
  /** How the client application proved who it is: `0` not at all, `1` by a secret, `2` by a certificate (v2.0 tokens). */
  declare readonly azpacr?: string;
  /** The client application (v1.0 tokens). */
  declare readonly appid?: string;
  /** How the client application proved who it is (v1.0 tokens); see `azpacr`. */
  declare readonly appidacr?: string;
  /** The version of the token's form: B2C says `1.0`. */
  declare readonly ver?: string;
  /** `user` or `app`, where the API asked for this optional claim. */
  declare readonly idtyp?: string;
  /** Whether the person belongs to the tenant (0) or is its guest (1), where the API asked for this optional claim. */
  declare readonly acct?: number;
  /** Who authenticated the person, where that is not the issuer. */
  declare readonly idp?: string;
  /** The ids of the groups the person is in, unless there are too many of them; see `_claim_names` and `hasgroups`. */
  declare readonly groups?: readonly string[];
  /** The claims that were too large for the token, such as `groups`. */
  declare readonly _claim_names?: Readonly<Record<string, string>>;
  /** Where the claims that were too large can be had. Never called by this library. */
  declare readonly _claim_sources?: Readonly<Record<string, unknown>>;
  /** Whether the person is in more groups than a token of the implicit flow holds. */
  declare readonly hasgroups?: boolean | string;
  /** The ids of the tenant-wide directory roles of the person. */
  declare readonly wids?: readonly string[];
  /** The Conditional Access authentication contexts that were satisfied, such as `c1`. */
  declare readonly acrs?: readonly string[];
  /** What the client application can do; `cp1` says that it understands claims challenges. */
  declare readonly xms_cc?: readonly string[];
  /** How the person authenticated (v1.0 tokens), such as `pwd` and `mfa`. */
  declare readonly amr?: readonly string[];
  /** The B2C policy. */
  declare readonly tfp?: string;
  /** The B2C policy of older tokens; in Entra v1.0 tokens the authentication context class. */
  declare readonly acr?: string;
  /** When the person authenticated, in seconds since the epoch, where the API asked for this optional claim. */
  declare readonly auth_time?: number;
  /** The session of the person. */
  declare readonly sid?: string;
  /** The token's own id. */
  declare readonly uti?: string;
  /** The login hint of the person, for a client's next sign-in. */
  declare readonly login_hint?: string;
  /** The country of the tenant, by two letters. */
  declare readonly tenant_ctry?: string;
  /** The network address the person signed in from (v1.0 tokens). */
  declare readonly ipaddr?: string;
  /** For display alone. */
  declare readonly name?: string;
  /** For display alone. */
  declare readonly given_name?: string;
  /** For display alone. */
  declare readonly family_name?: string;
  /** For display alone. */
  declare readonly preferred_username?: string;
  /** For display alone. */
  declare readonly upn?: string;
  /** For display alone. */
  declare readonly unique_name?: string;
  /** For display alone. */
  declare readonly email?: string;
  /** For Microsoft's own use. */
  declare readonly aio?: string;
  /** For Microsoft's own use. */
  declare readonly rh?: string;
  readonly [claim: string]: unknown;
}

/** The claims that {@link AccessTokenClaims} declares, those that an application adds to it among them. */
type DeclaredClaim = keyof {
  [Claim in keyof AccessTokenClaims as string extends Claim ? never : Claim]: unknown;
};

/** The name of a claim. An editor offers those that are declared; any other is taken too. */
export type ClaimName = DeclaredClaim | (string & Record<never, never>);

/** A token's payload before any of it is believed. */
export type UnverifiedClaims = Readonly<Record<string, unknown>>;
