/** Signing in with Microsoft's library: authorization code with PKCE, by redirect. */
import type * as Msal from '@azure/msal-browser';
import type { PageSettings } from './serve-pages.js';
import type { SignIn } from '../sign-in-settings.js';

declare const msal: typeof Msal;

export type Scheme = 'entra' | 'b2c';

/** The person who is signed in, and the access token for the API. */
export interface Caller {
  readonly scheme: Scheme;
  readonly name: string;
  readonly token: string;
}

/** The sign-in that led back to this page. */
export interface Arrival {
  readonly scheme: Scheme;
  readonly state: string;
  /** Why the sign-in failed. */
  readonly problem?: string;
}

/** The claims request in a challenge: what the next token needs (OpenID Connect Core §5.5). */
export function claimsRequestIn(challenge: string | null): string | undefined {
  const [, base64] = /\bclaims="([^"]+)"/.exec(challenge ?? '') ?? [];
  return base64 === undefined ? undefined : atob(base64);
}

const pendingKey = 'weather.signing-in';
const grantedKey = (scheme: Scheme) => `weather.granted.${scheme}`;

async function configurationOf({ authority, clientId }: SignIn, scheme: Scheme, isLocal: boolean) {
  const redirectUri = `${location.origin}/`;
  const { host } = new URL(authority);
  if (!isLocal) {
    return { auth: { clientId, authority, redirectUri, ...(scheme === 'b2c' && { knownAuthorities: [host] }) } };
  }
  // MSAL refuses an authority with http, even on loopback. It accepts endpoints with http in metadata that it is given.
  const metadata = await fetch(`${authority}/v2.0/.well-known/openid-configuration`);
  return {
    auth: {
      clientId,
      redirectUri,
      authority: `${authority.replace('http:', 'https:')}/v2.0`,
      authorityMetadata: await metadata.text(),
      knownAuthorities: [host],
    },
    system: { protocolMode: msal.ProtocolMode.OIDC },
  };
}

/** One authority, and the person who is signed in there. */
export class Account {
  readonly scheme: Scheme;
  readonly #scopes: string[];
  readonly #clientId: string;
  readonly #client: Msal.IPublicClientApplication;
  #result: Msal.AuthenticationResult | undefined;

  private constructor(scheme: Scheme, { appIdUri, scopes, clientId }: SignIn, client: Msal.IPublicClientApplication) {
    this.scheme = scheme;
    this.#scopes = scopes.map((scope) => `${appIdUri}/${scope}`);
    this.#clientId = clientId;
    this.#client = client;
  }

  static async open(scheme: Scheme, signIn: SignIn, { isLocal }: PageSettings): Promise<Account> {
    const configuration = await configurationOf(signIn, scheme, isLocal);
    return new Account(scheme, signIn, await msal.createStandardPublicClientApplication(configuration));
  }

  get caller(): Caller | undefined {
    if (this.#result === undefined) return undefined;
    const { account, accessToken } = this.#result;
    return { scheme: this.scheme, name: account.name ?? account.username, token: accessToken };
  }

  /** Leaves the page. */
  async signIn(state: string): Promise<void> {
    this.#expectArrival(state);
    await this.#client.loginRedirect({ scopes: this.#scopes, prompt: 'select_account' });
  }

  /** Leaves the page, for a token of the same person that meets a claims request. */
  async meet(claims: string, state: string): Promise<void> {
    if (this.#result === undefined) return;
    this.#expectArrival(state);
    const { account } = this.#result;
    await this.#client.acquireTokenRedirect({ scopes: this.#scopes, account, claims });
  }

  /** Completes the sign-in that led back to this page, or resumes an earlier one. */
  async resume(isPending: boolean): Promise<void> {
    if (isPending) {
      const result = await this.#client.handleRedirectPromise({ navigateToLoginRequestUrl: false });
      if (result !== null) {
        for (const account of this.#remembered()) {
          if (account.homeAccountId !== result.account.homeAccountId) await this.#client.clearCache({ account });
        }
        this.#result = result;
        // A person can grant fewer scopes than the page asks for.
        sessionStorage.setItem(grantedKey(this.scheme), result.scopes.join(' '));
        return;
      }
    }
    const [account] = this.#remembered();
    if (account !== undefined) this.#result = await this.#acquire(account);
  }

  /** Gets a new access token for the same person, without the sign-in page. */
  async renew(): Promise<void> {
    if (this.#result === undefined) return;
    this.#result = await this.#acquire(this.#result.account, { forceRefresh: true });
  }

  async signOut(): Promise<void> {
    this.#result = undefined;
    for (const account of this.#remembered()) await this.#client.clearCache({ account });
  }

  #expectArrival(state: string): void {
    sessionStorage.setItem(pendingKey, JSON.stringify({ scheme: this.scheme, state }));
  }

  /** The accounts of this registration. MSAL keeps those of all registrations at one host together. */
  #remembered(): Msal.AccountInfo[] {
    return this.#client.getAllAccounts().filter(({ idTokenClaims }) => idTokenClaims?.aud === this.#clientId);
  }

  #acquire(account: Msal.AccountInfo, options: { readonly forceRefresh?: boolean } = {}) {
    // Without a refresh token MSAL would use a hidden frame, which the Content Security Policy of this page forbids.
    const cacheLookupPolicy = msal.CacheLookupPolicy.AccessTokenAndRefreshToken;
    const scopes = sessionStorage.getItem(grantedKey(this.scheme))?.split(' ') ?? this.#scopes;
    return this.#client.acquireTokenSilent({ scopes, account, cacheLookupPolicy, ...options });
  }
}

/** Opens an account for each configured authority, and completes the sign-in that led back to this page, if any. */
export async function openAccounts(settings: PageSettings) {
  const pending = sessionStorage.getItem(pendingKey);
  sessionStorage.removeItem(pendingKey);
  let arrival = pending === null ? undefined : (JSON.parse(pending) as Arrival);
  const accounts: Partial<Record<Scheme, Account>> = {};
  for (const scheme of ['entra', 'b2c'] as const) {
    const signIn = settings[scheme];
    if (signIn === undefined) continue;
    const account = await Account.open(scheme, signIn, settings);
    accounts[scheme] = account;
    const isPending = arrival?.scheme === scheme;
    try {
      await account.resume(isPending);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (isPending && arrival !== undefined) arrival = { ...arrival, problem };
      // An earlier session that cannot be resumed is of no use.
      await account.signOut();
    }
  }
  return { accounts, arrival };
}
