/** Binds the decorators to routing-controllers. */
import 'reflect-metadata';
import { createParamDecorator } from 'routing-controllers';
import { ownMember } from '../../core/json.js';
import type { Host } from '../../decorators/decorators.js';
import { verifiedClaimsOf } from '../../gate/current-caller.js';
import { guardOfOtherHost, protectedAsHandler } from '../handler-call.js';
import { hookIntoStorage, isController, refuseGlobal } from './gates-first.js';
import { protection, type Controller } from './run-action.js';

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
  onParameter(prototype, method, index, claim) {
    hookIntoStorage();
    // routing-controllers passes only the parameters that it knows, in their order. So it must know this one.
    createParamDecorator({
      value: (action) => {
        const claims = verifiedClaimsOf(action.request as object);
        return claim === undefined || claims === undefined ? claims : ownMember(claims, claim);
      },
    })(prototype, method as string, index);
  },
};
