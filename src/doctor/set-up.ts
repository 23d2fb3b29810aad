/** What is set up for calls of other APIs, and what is wrong with it, without a call of anything else. */
import { X509Certificate } from 'node:crypto';
import type { ClientCredential } from '../core/configuration/downstream-options.js';
import type {
  DownstreamApiSettings,
  DownstreamSettings,
  EntraSettings,
  Settings,
} from '../core/configuration/settings.js';
import { AuthError, ConfigurationError } from '../core/errors.js';
import { isGuid } from '../core/guid.js';
import { cloudOfGraph, serveOneCloud } from '../core/microsoft-hosts.js';
import { loadMsalNode } from '../core/msal-node.js';
import { parseUrl } from '../core/url.js';
import { applicationTenant } from '../downstream/authority.js';
import { isLocal, localAuthentication } from '../downstream/client-credential.js';
import { aadstsRemedy } from '../gate/aadsts.js';
import type { Status } from './examination.js';

/** One part of the set-up. */
export interface SetUpItem {
  readonly item: string;
  readonly status: Status;
  /** What is set up. Of a credential it is the kind. */
  readonly found: string;
  /** What to change; where nothing is wrong, a remark. */
  readonly remedy?: string;
}

async function packageItem(): Promise<SetUpItem> {
  const item = 'package';
  try {
    await loadMsalNode();
    return { item, status: 'pass', found: '@azure/msal-node is installed' };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return {
      item,
      status: 'fail',
      found: '@azure/msal-node could not be loaded',
      remedy: 'Run: npm install @azure/msal-node',
    };
  }
}

function kindOf(credential: ClientCredential): string {
  if ('clientSecret' in credential) return 'client secret';
  if ('certificate' in credential) return 'certificate';
  if ('federatedTokenFile' in credential) return 'federated token file';
  if ('assertion' in credential) return 'function that returns an assertion';
  return `managed identity, ${credential.managedIdentity === 'system' ? 'system-assigned' : 'user-assigned'}`;
}

/** What is wrong with a credential that can be read, though the library sends it. */
function problemWith(credential: ClientCredential, nowMs: number): string | undefined {
  // The portal lists the id of a secret beside its value.
  if ('clientSecret' in credential && isGuid(credential.clientSecret.toLowerCase()))
    return aadstsRemedy(7000215)?.remedy;
  if (!('certificate' in credential)) return undefined;
  const { validFrom, validTo } = new X509Certificate(credential.certificate);
  if (nowMs < Date.parse(validFrom)) return "The certificate is not valid yet. Check this machine's clock.";
  return nowMs > Date.parse(validTo) ? 'The certificate expired. Upload a new one to the app registration.' : undefined;
}

async function credentialItem(
  { credential, hasCredentialFunction }: DownstreamSettings,
  nowMs: number,
): Promise<SetUpItem> {
  const item = 'credential';
  if (hasCredentialFunction) return { item, status: 'unknown', found: 'function; it is not called here' };
  const given = await credential();
  const found = kindOf(given);
  if (!isLocal(given)) return { item, status: 'unknown', found: `${found}; it is not asked here` };
  try {
    await localAuthentication(given);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { item, status: 'fail', found, remedy: error.message };
  }
  const remedy = problemWith(given, nowMs);
  return remedy === undefined ? { item, status: 'pass', found } : { item, status: 'fail', found, remedy };
}

const storeItem = ({ store }: DownstreamSettings): SetUpItem => ({
  item: 'store',
  ...(store === undefined
    ? { status: 'pass', found: 'none: each process asks for its own tokens' }
    : { status: 'unknown', found: 'one; it is not asked here' }),
});

function problemWithHost({ baseUrl, resource }: DownstreamApiSettings, entra: EntraSettings): string | undefined {
  const host = parseUrl(baseUrl)?.host ?? '';
  const ofScopes = parseUrl(resource)?.host ?? '';
  const cloud = cloudOfGraph(host);
  if (cloud === undefined && cloudOfGraph(ofScopes) === undefined) return undefined;
  if (host !== ofScopes) return 'baseUrl and scopes name two hosts. A token for one Graph is refused by any other API.';
  const isOfInstance =
    cloud === undefined || serveOneCloud(parseUrl(entra.instance)?.host ?? '', parseUrl(cloud)?.host ?? '');
  return isOfInstance ? undefined : 'This Graph is of another cloud than instance: each cloud has its own.';
}

/** What works in part: the rest may not be needed. */
function remarkOn({ name, resource, tenantId }: DownstreamApiSettings, entra: EntraSettings): string | undefined {
  if ([entra.clientId, `api://${entra.clientId}`].includes(resource.toLowerCase()))
    return 'These are scopes of this API itself. Name those of the API that is called.';
  try {
    applicationTenant(entra, { api: name, tenantId, caller: undefined });
    return undefined;
  } catch (error) {
    // Without a request there is no caller whose tenant could be taken.
    if (error instanceof AuthError) return undefined;
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
}

function apiItem(api: DownstreamApiSettings, entra: EntraSettings): SetUpItem {
  const item = `api ${api.name}`;
  const found = [api.baseUrl, api.scopes.join(' ')].join(', ');
  const problem = problemWithHost(api, entra);
  if (problem !== undefined) return { item, status: 'fail', found, remedy: problem };
  const remark = remarkOn(api, entra);
  return { item, status: 'pass', found, ...(remark !== undefined && { remedy: remark }) };
}

/** What is set up for calls of other APIs. Undefined: nothing is. Sends nothing, and calls no function of the application. */
export async function examineSetUp(
  { downstream, entra }: Settings,
  nowMs: number,
): Promise<readonly SetUpItem[] | undefined> {
  if (downstream === undefined || entra === undefined) return undefined;
  const apis = [...downstream.apis.values()].map((api) => apiItem(api, entra));
  const none: SetUpItem = { item: 'apis', status: 'pass', found: 'none is named' };
  return [
    await packageItem(),
    await credentialItem(downstream, nowMs),
    storeItem(downstream),
    ...(apis.length === 0 ? [none] : apis),
  ];
}
