/** Where a page signs people in, and what it asks for. */
export interface SignIn {
  /** What the issuer's endpoints have in common: the tenant's address, or that of its policy. */
  readonly base: string;
  /** The page's own registration: not the API's, in production. */
  readonly clientId: string;
  /** In full, with the API in front: `api://…/access_as_user`. */
  readonly scopes: readonly string[];
}

/** What only a local issuer lets one do. */
export interface Controls {
  rotateKeys(): Promise<void>;
  setClockAhead(minutes: number): void;
}

/** Who issues the tokens that this API accepts. */
export interface Authority {
  /** Of the Entra ID tenant, if there is one. */
  readonly entra?: SignIn | undefined;
  /** Of the Azure AD B2C tenant, if there is one. */
  readonly b2c?: SignIn | undefined;
  readonly controls?: Controls;
  /** What to tell the person who started the API. */
  introduce(): Promise<string>;
  close(): Promise<void>;
}
