/** Signing in with Microsoft's library: authorization code with PKCE, by redirect. */
import type * as Msal from '@azure/msal-browser';
import type { SignIn } from '../authority.js';
import type { PageSettings } from '../pages.js';

declare const msal: typeof Msal;

export type Scheme = 'entra' | 'b2c';

/** Somebody who is signed in, and the token the page got for the API. */
export interface Caller {
  readonly scheme: Scheme;
  readonly name: string;
  readonly token: string;
}

/** What came back from a sign-in. */
export interface Arrival {
  readonly scheme: Scheme;
  readonly state: string;
  /** Why nobody was signed in. */
  readonly problem?: string;
}

const pendingKey = 'weather.signing-in';
const grantedKey = (scheme: Scheme) => `weather.granted.${scheme}`;

async function configurationOf({ base, clientId }: SignIn, scheme: Scheme, isLocal: boolean) {
  const redirectUri = `${location.origin}/`;
  const { host } = new URL(base);
  if (!isLocal) {
    return { auth: { clientId, authority: base, redirectUri, ...(scheme === 'b2c' && { knownAuthorities: [host] }) } };
  }
  // MSAL takes no authority by http, not even on loopback, and takes its endpoints as they are published.
  const authority = `${base}/v2.0`;
  const metadata = await fetch(`${authority}/.well-known/openid-configuration`);
  return {
    auth: {
      clientId,
      redirectUri,
      authority: authority.replace('http:', 'https:'),
      authorityMetadata: await metadata.text(),
      knownAuthorities: [host],
    },
    system: { protocolMode: msal.ProtocolMode.OIDC },
  };
}

/** One authority, and whoever is signed in there. */
export class Account {
  readonly scheme: Scheme;
  readonly #scopes: string[];
  readonly #clientId: string;
  readonly #client: Msal.IPublicClientApplication;
  #result: Msal.AuthenticationResult | undefined;

  private constructor(scheme: Scheme, { scopes, clientId }: SignIn, client: Msal.IPublicClientApplication) {
    this.scheme = scheme;
    this.#scopes = [...scopes];
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
    sessionStorage.setItem(pendingKey, JSON.stringify({ scheme: this.scheme, state }));
    await this.#client.loginRedirect({ scopes: this.#scopes, prompt: 'select_account' });
  }

  /** Takes up what a sign-in brought, or what an earlier one left behind. */
  async resume(isPending: boolean): Promise<void> {
    if (isPending) {
      const result = await this.#client.handleRedirectPromise({ navigateToLoginRequestUrl: false });
      if (result !== null) {
        for (const account of this.#remembered()) {
          if (account.homeAccountId !== result.account.homeAccountId) await this.#client.clearCache({ account });
        }
        this.#result = result;
        // Less than the page asked for, where a person withholds something.
        sessionStorage.setItem(grantedKey(this.scheme), result.scopes.join(' '));
        return;
      }
    }
    const [account] = this.#remembered();
    if (account !== undefined) this.#result = await this.#acquire(account);
  }

  /** Another access token for the same person, without asking. */
  async renew(): Promise<void> {
    if (this.#result === undefined) return;
    this.#result = await this.#acquire(this.#result.account, { forceRefresh: true });
  }

  async signOut(): Promise<void> {
    this.#result = undefined;
    for (const account of this.#remembered()) await this.#client.clearCache({ account });
  }

  /** MSAL remembers accounts per host, whichever application they signed in to. */
  #remembered(): Msal.AccountInfo[] {
    return this.#client.getAllAccounts().filter(({ idTokenClaims }) => idTokenClaims?.aud === this.#clientId);
  }

  #acquire(account: Msal.AccountInfo, options: { readonly forceRefresh?: boolean } = {}) {
    // Where there is no refresh token any more, MSAL would ask in a hidden frame, which this page does not allow.
    const cacheLookupPolicy = msal.CacheLookupPolicy.AccessTokenAndRefreshToken;
    const scopes = sessionStorage.getItem(grantedKey(this.scheme))?.split(' ') ?? this.#scopes;
    return this.#client.acquireTokenSilent({ scopes, account, cacheLookupPolicy, ...options });
  }
}

/** Every authority there is, and what the sign-in that led here came to, if one did. */
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
      // What an earlier sign-in left behind is good for nothing any more.
      await account.signOut();
    }
  }
  return { accounts, arrival };
}
