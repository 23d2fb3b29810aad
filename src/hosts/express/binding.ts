/** Binds the decorators to Express. */
import type { Authenticator } from '../../core/access/requirement.js';
import type { IdentityOptions } from '../../core/configuration/options.js';
import { nameOfElement } from '../../core/element-name.js';
import { ConfigurationError } from '../../core/errors.js';
import { boundIdentityFor } from '../../decorators/bound-identity.js';
import type { Host } from '../../decorators/decorators.js';
import { downstreamHelpersFor } from '../../downstream/on-behalf-of.js';
import { refuseController } from '../controllers-of-routing-controllers.js';
import { hostDecoratorsFor, type BoundIdentity, type HostDecorators } from '../host-decorators.js';
import { gated, gatedProperty } from './handlers.js';
import { middlewaresFor, type Middlewares } from './middlewares.js';

const parametersOfExpress = 3;

/** The binding of the decorators to Express. */
const expressHost: Host = {
  protect: gated,
  protectProperty: gatedProperty,
  onRequirement(prototype, method) {
    if (method === undefined) refuseController(prototype.constructor);
  },
  onParameter(prototype, method, index, { decorator }) {
    if (index < parametersOfExpress) {
      throw new ConfigurationError(
        `${nameOfElement(prototype, method)} has ${decorator} on one of its first three parameters, which Express fills. ` +
          'Move it to a parameter after them.',
      );
    }
    const handler: unknown = Object.getOwnPropertyDescriptor(prototype, method)?.value;
    if (typeof handler !== 'function') return;
    // Express takes a function of four parameters for an error handler; those that it does not fill do not count.
    Object.defineProperty(handler, 'length', { value: Math.min(handler.length, index), configurable: true });
  },
};

/**
 * The decorators for Express handlers.
 *
 * @param identity - the configuration that tokens are checked against; default: that of the process
 */
export function expressDecoratorsFor(identity?: Authenticator): HostDecorators {
  return hostDecoratorsFor(expressHost, identity);
}

/** A separate configuration, with decorators and middlewares that check tokens against it. */
export type ExpressIdentity = BoundIdentity & Middlewares;

/**
 * Creates a configuration beside that of the process, with middlewares and decorators that check tokens against it: for an
 * API that serves two registrations.
 *
 * @throws ConfigurationError naming the option, what it got and what it takes
 * @example
 * ```ts
 * import express from 'express';
 * import { createMicrosoftIdentity } from 'microsoft-identity-decorators/express';
 *
 * const partners = createMicrosoftIdentity({
 *   tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2',
 *   clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8',
 * });
 * export const app = express();
 * app.use('/partners', partners.requiresAuth(), partners.requiresScope('orders.read'));
 * ```
 */
export const createMicrosoftIdentity: (options: IdentityOptions) => ExpressIdentity = boundIdentityFor((identity) => ({
  ...expressDecoratorsFor(identity),
  ...middlewaresFor(identity),
  ...downstreamHelpersFor(identity),
}));
