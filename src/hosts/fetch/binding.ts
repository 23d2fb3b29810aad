/** Binds the decorators to handlers that take a Fetch request. */
import { currentRequest, type AdmittedRequest } from '../../core/access/current-request.js';
import type { Authenticator } from '../../core/access/requirement.js';
import type { IdentityOptions } from '../../core/configuration/options.js';
import { nameOfElement } from '../../core/element-name.js';
import { ConfigurationError } from '../../core/errors.js';
import { boundIdentityFor } from '../../decorators/bound-identity.js';
import { requirementOf } from '../../decorators/decorated-elements.js';
import type { Host } from '../../decorators/decorators.js';
import { asProtected, originalOf, type Method } from '../../decorators/protected-method.js';
import { prototypeFor } from '../../decorators/prototype-chain.js';
import { downstreamHelpersFor } from '../../downstream/on-behalf-of.js';
import { refuseController } from '../controllers-of-routing-controllers.js';
import { fetchRequestIn } from '../fetch-request.js';
import { guardOfOtherHost, protectedAsHandler } from '../handler-call.js';
import { hostDecoratorsFor, type BoundIdentity, type HostDecorators } from '../host-decorators.js';
import { arrive, isInside, parametersFor } from './arrival.js';
import { fetchFunctionsFor, type FetchFunctions } from './functions.js';

/** A method that is its own gate where it is called with a Fetch request, and else a protected method. */
function gated(method: Method, name: PropertyKey, owner: object, definer: object): Method {
  const inner = guardOfOtherHost(method, name, owner, definer);
  const gatedMethod: Method = function (...parameters) {
    const request = fetchRequestIn(parameters[0]);
    if (request === undefined || isInside(currentRequest.getStore(), request)) return inner.apply(this, parameters);
    const requirement = requirementOf(prototypeFor(this, owner), name);
    const handle = (context: AdmittedRequest | undefined) => inner.apply(this, parametersFor(context, parameters, 1));
    return arrive(requirement, request, handle);
  };
  return asProtected(gatedMethod, originalOf(inner) ?? { method, name, definer, owner }, method);
}

/** The binding of the decorators to handlers of Fetch. */
const fetchHost: Host = {
  protect: gated,
  protectProperty: (held, name, prototype) =>
    protectedAsHandler(held, gated(held, name, prototype, prototype), name, prototype),
  onRequirement(prototype, method) {
    if (method === undefined) refuseController(prototype.constructor);
  },
  onParameter(prototype, method, index, { decorator }) {
    if (index > 0) return;
    throw new ConfigurationError(
      `${nameOfElement(prototype, method)} has ${decorator} on its first parameter, which is the request. ` +
        'Move it to a parameter after those that the host fills.',
    );
  },
};

/**
 * The decorators for handlers of Fetch.
 *
 * @param identity - the configuration that tokens are checked against; default: that of the process
 */
export function fetchDecoratorsFor(identity?: Authenticator): HostDecorators {
  return hostDecoratorsFor(fetchHost, identity);
}

/** A separate configuration, with decorators and functions that check tokens against it. */
export type FetchIdentity = BoundIdentity & FetchFunctions;

/**
 * Creates a configuration beside that of the process, with decorators, `authenticate` and `protect` that check tokens
 * against it: for an API that serves two registrations.
 *
 * @throws ConfigurationError naming the option, what it got and what it takes
 * @example
 * ```ts
 * import { createMicrosoftIdentity } from 'microsoft-identity-decorators/fetch';
 *
 * const partners = createMicrosoftIdentity({
 *   tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2',
 *   clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8',
 * });
 * export const GET = partners.protect({ scope: 'orders.read' }, () => Response.json([]));
 * ```
 */
export const createMicrosoftIdentity: (options: IdentityOptions) => FetchIdentity = boundIdentityFor((identity) => ({
  ...fetchDecoratorsFor(identity),
  ...fetchFunctionsFor(identity),
  ...downstreamHelpersFor(identity),
}));
