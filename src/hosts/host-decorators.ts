/** The decorators of a host: those of requirements and claims, and of parameters that take an API to call. */
import type { Authenticator, MicrosoftIdentity } from '../core/access/requirement.js';
import { boundIdentityFor } from '../decorators/bound-identity.js';
import {
  decoratorsFor,
  parameterDecorator,
  type ClaimsDecorator,
  type Decorators,
  type Host,
} from '../decorators/decorators.js';
import type { UnnamedApiOptions } from '../downstream/called-api.js';
import {
  applicationApiFiller,
  downstreamHelpersFor,
  userApiFiller,
  type ApplicationOptions,
  type DownstreamHelpers,
} from '../downstream/on-behalf-of.js';

/** The decorators of one host, those of parameters that take an API to call among them. */
export interface HostDecorators extends Decorators {
  /**
   * Fills a parameter of type {@link DownstreamApi} with an API, called on behalf of the user who calls this one. It is for
   * that user alone. On an open route its methods throw MissingTokenError.
   *
   * @param api - its name in the option `downstream.apis`, or `{ baseUrl, scopes }`
   * @throws ConfigurationError if the argument is wrong
   */
  readonly OnBehalfOf: (api: string | UnnamedApiOptions) => ClaimsDecorator;
  /**
   * Fills a parameter of type {@link DownstreamApi} with an API, called as this application itself.
   *
   * @param api - its name in the option `downstream.apis`, or `{ baseUrl, scopes }`
   * @param options.tenantId - a GUID, or `'caller'`
   * @throws ConfigurationError if an argument is wrong
   */
  readonly AsApplication: (api: string | UnnamedApiOptions, options?: ApplicationOptions) => ClaimsDecorator;
}

/** A separate configuration, with decorators and helpers that are bound to it. */
export type BoundIdentity = MicrosoftIdentity & HostDecorators & DownstreamHelpers;

/**
 * The decorators of a host.
 *
 * @param identity - the configuration that they are bound to; default: that of the process
 */
export function hostDecoratorsFor(host: Host, identity?: Authenticator): HostDecorators {
  return {
    ...decoratorsFor(host, identity),
    OnBehalfOf: (...given) => parameterDecorator(host, '@OnBehalfOf()', userApiFiller(given, identity)),
    AsApplication: (...given) => parameterDecorator(host, '@AsApplication()', applicationApiFiller(given, identity)),
  };
}

/** Makes the `createMicrosoftIdentity` of a host that has decorators alone. */
export const boundHostIdentityFor = (host: Host) =>
  boundIdentityFor((identity) => ({ ...hostDecoratorsFor(host, identity), ...downstreamHelpersFor(identity) }));
