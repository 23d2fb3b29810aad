/** Binds the decorators to routing-controllers. */
import 'reflect-metadata';
import { createParamDecorator } from 'routing-controllers';
import type { Host } from '../../decorators/decorators.js';
import { guard, guardAction } from '../../decorators/protected-method.js';
import { verifiedClaimsOf } from '../../gate/caller.js';
import type { Controller } from './run-action.js';
import { actionNamesOf, hookIntoStorage } from './storage-hook.js';

/** The binding of the decorators to routing-controllers. */
export const routingControllers: Host = {
  onMethod(prototype, method, descriptor) {
    hookIntoStorage();
    descriptor.value = guard(descriptor.value as Parameters<typeof guard>[0], method, prototype);
  },
  onClass(constructor) {
    hookIntoStorage();
    for (const name of actionNamesOf(constructor as Controller)) guardAction(constructor.prototype, name);
  },
  onParameter(prototype, method, index, claim) {
    hookIntoStorage();
    // routing-controllers passes only the parameters that it knows, in their order. So it must know this one.
    createParamDecorator({
      value: (action) => {
        const claims = verifiedClaimsOf(action.request as object);
        return claim === undefined ? claims : claims?.[claim];
      },
    })(prototype, method as string, index);
  },
};
