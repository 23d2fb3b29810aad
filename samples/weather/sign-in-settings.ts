/** How a page signs people in with one authority. */
export interface SignIn {
  /** The URL of the Entra ID tenant, or of the policy of the Azure AD B2C tenant. */
  readonly authority: string;
  /** The page's registration. In production it is another one than the API's. */
  readonly clientId: string;
  /** The API's Application ID URI. The full name of a scope begins with it: `api://…/access_as_user`. */
  readonly appIdUri: string;
  /** Short names of the scopes that the page asks for. */
  readonly scopes: readonly string[];
}

/** The authorities whose tokens the API accepts. */
export interface SignIns {
  readonly entra?: SignIn | undefined;
  readonly b2c?: SignIn | undefined;
}
