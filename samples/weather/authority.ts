/** Who issues the tokens that this API accepts. */
export interface Authority {
  /** Whether there is an Entra ID tenant. */
  readonly entra: boolean;
  /** Whether there is an Azure AD B2C tenant. */
  readonly b2c: boolean;
  /** What to tell the person who started the API. */
  introduce(apiUrl: string): Promise<string>;
  close(): Promise<void>;
}
