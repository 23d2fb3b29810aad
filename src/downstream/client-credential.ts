/** With what does this API authenticate at the token endpoint? What is rotated is read anew for each token request. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Configuration } from '@azure/msal-node';
import type { ClientCredential } from '../core/configuration/downstream-options.js';
import { ConfigurationError } from '../core/errors.js';
import { Cloud, serveOneCloud } from '../core/microsoft-hosts.js';
import { codeOfMsalError, type MsalNode } from '../core/msal-node.js';
import { TokenUnavailableError } from './errors.js';
import { silentLogger } from './silent-logger.js';
import { isVisibleAscii } from '../core/visible-ascii.js';

/** The members of the options of msal-node that authenticate a client. */
export type ClientAuthentication = Pick<
  Configuration['auth'],
  'clientSecret' | 'clientAssertion' | 'clientCertificate'
>;

/** What a managed identity's token is asked from and for. */
export interface CredentialContext {
  readonly msal: Pick<MsalNode, 'ManagedIdentityApplication' | 'LogLevel'>;
  /** The origin of the authority. */
  readonly instance: string;
}

const option = 'downstream.credential';

/** Takes what failed for a fault that passes. */
async function orUnavailable<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    throw new TokenUnavailableError({ message: `${option}: ${what} failed. Look at what it depends on.`, cause });
  }
}

function assertionText(value: unknown, what: string): string {
  // RFC 7523 §3: an assertion is a JWT. Files end with a line break.
  const text = typeof value === 'string' ? value.trim() : '';
  if (text.split('.').length === 3 && isVisibleAscii(text)) return text;
  throw new ConfigurationError(`${option}: ${what} is not a JWT.`);
}

/** The cause is left out: a parser may quote what it read. */
function parsedPem<T>(member: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new ConfigurationError(`${option}.${member}: is not readable PEM.`);
  }
}

function clientCertificate({
  certificate,
  privateKey,
  sendX5c,
}: Extract<ClientCredential, { certificate: string }>): ClientAuthentication {
  const parsed = parsedPem('certificate', () => new X509Certificate(certificate));
  const key = parsedPem('privateKey', () => createPrivateKey(privateKey));
  if (key.asymmetricKeyType !== 'rsa') {
    throw new ConfigurationError(`${option}.privateKey: is no RSA key; Entra takes no other.`);
  }
  if (!parsed.checkPrivateKey(key)) {
    throw new ConfigurationError(`${option}.privateKey: is not the key of the certificate.`);
  }
  return {
    clientCertificate: {
      thumbprintSha256: parsed.fingerprint256.replaceAll(':', ''),
      privateKey,
      ...(sendX5c === true && { x5c: certificate }),
    },
  };
}

async function tokenFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`${option}.federatedTokenFile: could not be read.`, { cause });
  }
  return assertionText(text, 'the text in federatedTokenFile');
}

/** The audience that federated credentials of a cloud expect. */
function exchangeAudience(instance: string): string {
  const { host } = new URL(instance);
  const isOf = (cloud: string) => serveOneCloud(host, new URL(cloud).host);
  if (isOf(Cloud.UsGovernment)) return 'api://AzureADTokenExchangeUSGov';
  return isOf(Cloud.China) ? 'api://AzureADTokenExchangeChina' : 'api://AzureADTokenExchange';
}

async function managedIdentityToken(id: string, { msal, instance }: CredentialContext): Promise<string> {
  const identity = new msal.ManagedIdentityApplication({
    ...(id !== 'system' && { managedIdentityIdParams: { userAssignedClientId: id } }),
    system: { loggerOptions: silentLogger(msal) },
  });
  const resource = exchangeAudience(instance);
  const { accessToken } = await identity.acquireToken({ resource }).catch((error: unknown) => {
    throw new Error(`msal-node got no token: ${codeOfMsalError(error)}.`);
  });
  return assertionText(accessToken, 'the token of the managed identity');
}

/** A credential that this process has, and need not ask for. */
type LocalCredential = Exclude<ClientCredential, { managedIdentity: string } | { assertion: unknown }>;

export const isLocal = (credential: ClientCredential): credential is LocalCredential =>
  !('managedIdentity' in credential || 'assertion' in credential);

/**
 * A credential that this process has, in the form of msal-node.
 *
 * @throws ConfigurationError where a file is missing, or PEM is not readable
 */
export async function localAuthentication(credential: LocalCredential): Promise<ClientAuthentication> {
  if ('clientSecret' in credential) return { clientSecret: credential.clientSecret };
  if ('certificate' in credential) return clientCertificate(credential);
  return { clientAssertion: await tokenFile(credential.federatedTokenFile) };
}

/**
 * The credential in the form of msal-node. Callbacks, files and managed identities are asked here, so each call of it is for
 * one token request.
 *
 * @throws ConfigurationError where a file is missing, or PEM is not readable
 * @throws TokenUnavailableError where the callback or the managed identity failed
 */
export async function clientAuthentication(
  credential: ClientCredential,
  context: CredentialContext,
): Promise<ClientAuthentication> {
  if (isLocal(credential)) return localAuthentication(credential);
  if ('managedIdentity' in credential) {
    const token = () => managedIdentityToken(credential.managedIdentity, context);
    return { clientAssertion: await orUnavailable('the managed identity', token) };
  }
  const assertion: unknown = await orUnavailable('the function assertion', credential.assertion);
  return { clientAssertion: assertionText(assertion, 'what the function assertion returned') };
}

/** The credential that is configured, or that the function of the application returns. */
export function configuredCredential(credential: () => Promise<ClientCredential>): Promise<ClientCredential> {
  return orUnavailable('the function', credential);
}
