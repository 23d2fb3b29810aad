/** People who can sign in at a local issuer. */

/** A made-up person who can sign in at the local issuer. */
export interface Person {
  /** A GUID: `oid` in Entra tokens, `sub` in B2C tokens. */
  readonly id: string;
  readonly name: string;
  /** The user name: `preferred_username`. */
  readonly email: string;
  /** What the sign-in page shows beside the name. */
  readonly about?: string;
  /** Short names of the scopes that this person grants to an app. Default: all that it asks for. */
  readonly scopes?: readonly string[];
  /** Further claims in access tokens, such as `roles`. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Who can sign in with a browser. */
export interface SignInSettings {
  /** Those of the Entra tenant. */
  readonly people: readonly Person[];
  /** Those of the B2C tenant. Default: the same. */
  readonly customers?: readonly Person[];
  /** Application ID URIs of the API beside `api://<client id>`, such as the URL of an MCP server. Default: none. */
  readonly appIdUris?: readonly string[];
}
