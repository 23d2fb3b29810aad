/** Binds the decorators to routing-controllers. */
import 'reflect-metadata';
import { createParamDecorator } from 'routing-controllers';
import type { Host } from '../../decorators/decorators.js';
import { verifiedContextOf } from '../../gate/current-caller.js';
import { enforcesRequireAuth } from '../../gate/require-auth.js';
import { guardOfOtherHost, protectedAsHandler } from '../handler-call.js';
import { hookIntoStorage, isController, refuseGlobal } from './gates-first.js';
import { protection, type Controller } from './run-action.js';

// Ahead of any app: an action without a decorator is refused too where initialize() comes after its app.
hookIntoStorage();
enforcesRequireAuth('routing-controllers', hookIntoStorage);

/** The binding of the decorators to routing-controllers. */
export const routingControllers: Host = {
  ...protection,
  protectProperty: (held, name, prototype) =>
    protectedAsHandler(held, guardOfOtherHost(held, name, prototype, prototype), name, prototype),
  onRequirement(prototype, method) {
    hookIntoStorage();
    if (method === undefined) refuseGlobal(prototype.constructor);
  },
  // routing-controllers, and a container, know a controller by its identity. Its instances are checked as they come.
  mayReplace: (constructor) => !isController(constructor as Controller),
  onParameter(prototype, method, index, { fill }) {
    hookIntoStorage();
    // routing-controllers passes only the parameters that it knows, in their order. So it must know this one.
    createParamDecorator({ value: (action) => fill(verifiedContextOf(action.request as object)) })(
      prototype,
      method as string,
      index,
    );
  },
};
