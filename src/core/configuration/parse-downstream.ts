/** Which settings do the options of `downstream` give? */
import type { DecoderType } from 'decoders';
import { ConfigurationError } from '../errors.js';
import {
  applicationTenant,
  clientCredential,
  downstreamApi,
  type CheckedApi,
  type downstream,
} from './downstream-option-list.js';
import type { DownstreamOptions } from './downstream-options.js';
import { checked } from './option-checks.js';
import type { DownstreamApiSettings, DownstreamSettings } from './settings.js';

const defaultMaxEntries = 10_000;
const defaultTimeoutMs = 30_000;

function apiSettings(name: string, api: CheckedApi, at: string): DownstreamApiSettings {
  if (api.scopes === undefined)
    throw new ConfigurationError(`${at}.scopes: got undefined; it takes a scope or a list of them.`);
  return Object.freeze({
    name,
    baseUrl: api.baseUrl,
    scopes: Object.freeze([...api.scopes.scopes]),
    resource: api.scopes.resource,
    tenantId: api.tenantId,
    timeoutMs: api.timeoutMs ?? defaultTimeoutMs,
    headers: Object.freeze({ ...api.headers }),
  });
}

/**
 * The settings of an API that is not named in the configuration.
 *
 * @param at - what it was given to, for messages
 * @throws ConfigurationError that names the option, what it got and what it takes
 */
export function parseUnnamedApi(given: unknown, at: string): DownstreamApiSettings {
  return apiSettings('(unnamed)', checked(downstreamApi, given, at), at);
}

/**
 * The tenant of a token for the application itself.
 *
 * @throws ConfigurationError unless it is a GUID or `caller`
 */
export function parseApplicationTenant(given: unknown, at: string): string {
  return checked(applicationTenant, given, at);
}

function credentialOf(given: DownstreamOptions['credential']): DownstreamSettings['credential'] {
  if (typeof given !== 'function') return () => Promise.resolve(given);
  return async () => {
    const returned: unknown = await given();
    return checked(
      clientCredential,
      returned,
      'initialize: downstream.credential: the function returned a wrong value',
    );
  };
}

/** @throws ConfigurationError where an option that is required is missing */
export function downstreamSettings(given: DecoderType<typeof downstream>): DownstreamSettings {
  const { credential, apis = {}, store, maxEntries = defaultMaxEntries } = given;
  const at = 'initialize: downstream';
  if (credential === undefined) {
    throw new ConfigurationError(
      `${at}.credential: got undefined; it takes a credential, or a function that returns one.`,
    );
  }
  const named = Object.entries(apis).map(([name, api]): [string, DownstreamApiSettings] => {
    if (api.baseUrl !== undefined) return [name, apiSettings(name, api, `${at}.apis.${name}`)];
    throw new ConfigurationError(`${at}.apis.${name}.baseUrl: got undefined; it takes the https URL of the API.`);
  });
  return Object.freeze({
    credential: credentialOf(credential),
    hasCredentialFunction: typeof credential === 'function',
    apis: new Map(named),
    store,
    maxEntries,
  });
}
