/** Asks the authority for a token. msal-node writes the request. The answer is read here: msal-node loses parts of it. */
import type { Configuration, INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import { withinTime } from '../core/abort.js';
import type { EntraSettings, Settings } from '../core/configuration/settings.js';
import { AuthError, ConfigurationError } from '../core/errors.js';
import { codeOfMsalError, loadMsalNode, type MsalNode } from '../core/msal-node.js';
import type { AcquiredToken, AcquireToken, TokenRequest } from './acquire-token.js';
import { errorOf, tokenIn, type TokenAnswer } from './acquisition-errors.js';
import { tokenEndpoint } from './authority.js';
import { clientAuthentication, configuredCredential, type ClientAuthentication } from './client-credential.js';
import { TokenUnavailableError } from './errors.js';
import { silentLogger } from './silent-logger.js';
import { sendTokenRequest } from './token-request.js';

/** For the credential and the token request together. */
const limitMs = 8_000;

/** An answer, and the token in it. */
interface ReadAnswer {
  readonly answer: TokenAnswer;
  readonly token: AcquiredToken | undefined;
}

/**
 * What msal-node is told of an answer. It gets no refresh token and no ID token, so it keeps none; and its own reading of an
 * error is not used: it loses `claims` and `Retry-After`.
 */
function toldToMsal({ answer, token }: ReadAnswer): NetworkResponse<never> {
  const body =
    token === undefined
      ? { error: 'refused' }
      : { token_type: 'Bearer', access_token: token.token, expires_in: token.expiresInSeconds };
  return { status: token === undefined ? 400 : answer.status, headers: {}, body: body as never };
}

/** The network of one client of msal-node. It sends one token request, to the endpoint that is built from the configuration. */
class TokenRequestNetwork implements INetworkModule {
  /** What became of the request; undefined while it was not sent. */
  outcome: ReadAnswer | { readonly error: unknown } | undefined;
  readonly #send: (body: string, headers: Readonly<Record<string, string>>) => Promise<TokenAnswer>;

  constructor(send: (body: string, headers: Readonly<Record<string, string>>) => Promise<TokenAnswer>) {
    this.#send = send;
  }

  sendGetRequestAsync(): Promise<never> {
    return Promise.reject(new Error('A token request needs no other document.'));
  }

  async sendPostRequestAsync(
    _: string,
    { body = '', headers = {} }: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<never>> {
    try {
      const answer = await this.#send(body, headers);
      const read = { answer, token: tokenIn(answer) };
      this.outcome = read;
      return toldToMsal(read);
    } catch (error) {
      this.outcome = { error };
      throw error;
    }
  }
}

/** msal-node takes https alone. The test issuer is on http, on loopback; the network sends the request there all the same. */
const withHttps = (authority: string) => authority.replace(/^http:/, 'https:');

function clientConfiguration(
  msal: MsalNode,
  { clientId }: EntraSettings,
  authority: string,
  authentication: ClientAuthentication,
  networkClient: INetworkModule,
): Configuration {
  const url = withHttps(authority);
  return {
    auth: {
      clientId,
      authority: url,
      knownAuthorities: [new URL(url).host],
      // With these, msal-node asks for no document.
      authorityMetadata: JSON.stringify({
        authorization_endpoint: `${url}/oauth2/v2.0/authorize`,
        token_endpoint: tokenEndpoint(url),
        issuer: `${url}/v2.0`,
        jwks_uri: `${url}/discovery/v2.0/keys`,
      }),
      clientCapabilities: ['cp1'],
      ...authentication,
    },
    system: { loggerOptions: silentLogger(msal), networkClient },
  };
}

/** Has msal-node write and send the request, with a client of its own: no token is in the cache of another request. */
async function sendWithMsal(
  msal: MsalNode,
  configuration: Configuration,
  { assertion, scopes, claims }: TokenRequest,
): Promise<void> {
  const client = new msal.ConfidentialClientApplication(configuration);
  const request = { scopes: [...scopes], skipCache: true, ...(claims !== undefined && { claims }) };
  if (assertion !== undefined) await client.acquireTokenOnBehalfOf({ ...request, oboAssertion: assertion });
  // The environment can name a region whose endpoint msal-node would ask.
  else await client.acquireTokenByClientCredential({ ...request, azureRegion: 'DisableMsalForceRegion' });
}

async function acquire(
  settings: Settings & { readonly entra: EntraSettings; readonly downstream: NonNullable<Settings['downstream']> },
  request: TokenRequest,
  signal: AbortSignal,
): Promise<AcquiredToken> {
  const { entra, downstream, fetch, now } = settings;
  const { api, scopes, authority } = request;
  const msal = await loadMsalNode();
  const credential = await configuredCredential(downstream.credential);
  const authentication = await clientAuthentication(credential, { msal, instance: entra.instance });
  const url = tokenEndpoint(authority);
  const network = new TokenRequestNetwork((body, headers) => sendTokenRequest(fetch, url, { body, headers }, signal));
  const configuration = clientConfiguration(msal, entra, authority, authentication, network);
  try {
    await sendWithMsal(msal, configuration, request);
  } catch (error) {
    if (network.outcome === undefined) {
      throw new ConfigurationError(`msal-node sent no token request for the API ${api}: ${codeOfMsalError(error)}.`);
    }
  }
  const { outcome } = network;
  if (outcome === undefined) throw new ConfigurationError(`msal-node sent no token request for the API ${api}.`);
  if ('error' in outcome) throw outcome.error;
  if (outcome.token !== undefined) return outcome.token;
  const as = request.assertion === undefined ? 'application' : 'user';
  throw errorOf(outcome.answer, { api, scopes, as, now: now() });
}

/**
 * How this configuration asks for tokens: one token request each time, with one more try after a reset, in 8 seconds.
 *
 * @throws ConfigurationError where no credential or no Entra tenant is configured
 */
export function tokenClientOf(settings: Settings): AcquireToken {
  const { entra, downstream } = settings;
  if (entra === undefined || downstream === undefined) {
    throw new ConfigurationError('Tokens for other APIs need the options tenantId, clientId and downstream.');
  }
  return async (request, signal) => {
    const onLimit = () => new Error(`A token took longer than ${String(limitMs)} ms.`);
    try {
      return await withinTime(limitMs, onLimit, signal, (ends) =>
        acquire({ ...settings, entra, downstream }, request, ends),
      );
    } catch (cause) {
      if (cause instanceof AuthError || cause instanceof ConfigurationError) throw cause;
      const message = `The authority gave no token for the API ${request.api}: it did not answer. Look at the network and at instance.`;
      throw new TokenUnavailableError({ message, cause });
    }
  };
}
