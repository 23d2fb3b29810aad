/** Which API is called: one of the configuration, by its name, or one that is described where it is called. */
import { currentRequest } from '../core/access/current-request.js';
import type { Authenticator } from '../core/access/requirement.js';
import { checkArguments, describe, type Signature } from '../core/call-arguments.js';
import type { DownstreamApiOptions } from '../core/configuration/downstream-options.js';
import { isApiName } from '../core/configuration/downstream-option-list.js';
import { parseUnnamedApi } from '../core/configuration/parse-downstream.js';
import type { DownstreamApiSettings } from '../core/configuration/settings.js';
import { ConfigurationError } from '../core/errors.js';
import { noteNamedApi } from '../gate/named-apis.js';

/** An API that is not in the configuration. Without `baseUrl` only tokens can be had for it. */
export type UnnamedApiOptions = Omit<DownstreamApiOptions, 'baseUrl'> & Partial<Pick<DownstreamApiOptions, 'baseUrl'>>;

/** The API that a function or a decorator is for. */
export interface CalledApi {
  readonly name: string;
  /** Undefined: the configuration has it by its name. */
  readonly settings: DownstreamApiSettings | undefined;
  /** The function or decorator, as messages show it. */
  readonly at: string;
}

const apiOptions: readonly (keyof DownstreamApiOptions)[] = ['baseUrl', 'scopes', 'tenantId', 'timeoutMs', 'headers'];

/**
 * The API that a function or a decorator is called with.
 *
 * @param at - its name, as it is written: `@OnBehalfOf`, `onBehalfOf`
 * @param given - what it is called with
 * @param most - how many arguments it takes
 * @throws ConfigurationError where the first is neither a name nor an object of options
 */
export function calledApi(at: string, given: readonly unknown[], most: number): CalledApi {
  const [api] = given;
  const examples: Signature['examples'] = ["'graph'"];
  const isDescribed = typeof api === 'object' && api !== null && !Array.isArray(api);
  checkArguments(at, given, isDescribed ? { examples, most, options: apiOptions } : { examples, most });
  if (isDescribed) return { name: '(unnamed)', settings: parseUnnamedApi(api, at), at };
  if (typeof api === 'string' && isApiName(api)) return { name: api, settings: undefined, at };
  throw new ConfigurationError(
    `${at}: got ${describe(api, 'name')}; it takes the name of an API in downstream.apis, or { baseUrl, scopes }. Write ${at}('graph').`,
  );
}

/** Has `ready()` of a configuration look for an API that code names while it is loaded. */
export function lookUpBeforeReady(api: CalledApi, identity: Authenticator | undefined): void {
  // What a request calls may have the name from that.
  if (api.settings !== undefined || currentRequest.getStore() !== undefined) return;
  noteNamedApi(identity, `${api.at} ${api.name}`, (configured) => settingsOf(api, configured));
}

/**
 * The settings of an API.
 *
 * @throws ConfigurationError if the configuration calls no API, or none of this name
 */
export function settingsOf({ name, settings, at }: CalledApi, identity: Authenticator): DownstreamApiSettings {
  const { downstream } = identity.settings;
  if (downstream === undefined) {
    throw new ConfigurationError(`${at} needs the option downstream of initialize(), with a credential.`);
  }
  const found = settings ?? downstream.apis.get(name);
  if (found !== undefined) return found;
  const known = [...downstream.apis.keys()];
  throw new ConfigurationError(
    `${at}: there is no API '${name}' in downstream.apis, which has ${known.length === 0 ? 'none' : known.join(', ')}.`,
  );
}
