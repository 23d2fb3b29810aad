/** The gate as a guard of Nest, and the interceptor that runs handlers in the context of their request. */
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Observable, Subscription } from 'rxjs';
import { currentRequest, verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { checkArguments, type Signature } from '../../core/call-arguments.js';
import { publishRefused } from '../../core/channels.js';
import { ConfigurationError } from '../../core/errors.js';
import { gateDidNotRun } from '../../decorators/protected-method.js';
import { validToken } from '../../decorators/undecorated.js';
import { admissionOf, enter, satisfy } from '../../gate/admission.js';
import { identityInForce } from '../../gate/identity-in-force.js';
import { isRefusal, warnDeveloper } from '../../gate/refusal.js';
import { closingParts } from '../../gate/known-handlers.js';
import { enforcesRequireAuth } from '../../gate/require-auth.js';
import { noteHandler } from '../running-handlers.js';
import { isLifted, nameOfHandler, requirementsFor } from './handler-method.js';
import { httpRequestOf, shareHiddenClassesOfExpress } from './platform.js';
import { exceptionFor } from './refusals.js';

const ofUndecorated = validToken('MicrosoftIdentityGuard with requireAuth');

/** The options of a guard. */
export interface MicrosoftIdentityGuardOptions {
  /**
   * Whether handlers without a decorator demand a valid access token, unless they have `@AllowAnonymous()`. Default: the
   * option of that name of `initialize`.
   */
  readonly requireAuth?: boolean | undefined;
}

/**
 * Reads the options of a guard.
 *
 * @param at - what they were given to, for messages
 */
export function demandsTokens(
  given: readonly [options?: MicrosoftIdentityGuardOptions],
  at = 'new MicrosoftIdentityGuard',
  examples: Signature['examples'] = ['', '{ requireAuth: true }'],
): boolean {
  checkArguments(at, given, { examples, most: 1, options: ['requireAuth'] });
  const [{ requireAuth = false } = {}] = given;
  if (typeof requireAuth !== 'boolean') throw new ConfigurationError(`${at}: requireAuth takes true or false.`);
  return requireAuth;
}

const openHandlers = new WeakSet<object>();

/** Warns of a handler that the application put the guard before, and that is open. */
function warnOfOpenHandler(context: ExecutionContext): void {
  const handler = context.getHandler();
  if (openHandlers.has(handler)) return;
  openHandlers.add(handler);
  warnDeveloper(
    new ConfigurationError(
      `${nameOfHandler(context)} is open to everybody: it has no requirement, and MicrosoftIdentityGuard adds none. ` +
        'Put @RequiresAuth() on it, or @AllowAnonymous() if it is meant to be open, ' +
        'or write new MicrosoftIdentityGuard({ requireAuth: true }).',
    ),
  );
}

/**
 * The gate of a handler: it lets a request pass that satisfies the decorators of the handler and its class.
 *
 * The decorators bind it to their class. Provided as `APP_GUARD`, it is also the gate of controllers without a decorator.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { APP_GUARD } from '@nestjs/core';
 * import { MicrosoftIdentityGuard } from 'microsoft-identity-decorators/nestjs';
 *
 * @Module({ providers: [{ provide: APP_GUARD, useClass: MicrosoftIdentityGuard }] })
 * export class AppModule {}
 * ```
 */
export class MicrosoftIdentityGuard implements CanActivate {
  readonly #requireAuth: boolean;

  /**
   * @param options.requireAuth - see {@link MicrosoftIdentityGuardOptions.requireAuth}
   * @throws ConfigurationError if there is any other option
   */
  constructor(...given: [options?: MicrosoftIdentityGuardOptions]) {
    this.#requireAuth = demandsTokens(given);
    if (this.#requireAuth) enforcesRequireAuth('Nest');
    closingParts.set(this, () => this.#requiresAuth());
  }

  /**
   * Lets a request pass, or throws.
   *
   * @throws HttpException with the refusal as its cause; with `errors: 'forward'` the AuthError or ConfigurationError itself
   * @throws ConfigurationError if something other than an HTTP request reaches a protected handler
   */
  async canActivate(context: ExecutionContext): Promise<true> {
    if (context.getType() !== 'http') {
      this.#refuseOtherThanHttp(context);
      return true;
    }
    const requirements = this.#requirementsOf(context);
    const [requirement] = requirements;
    const request = httpRequestOf(context);
    if (requirement === undefined) {
      if (this !== theGuard && admissionOf(request) === undefined && !isLifted(context)) warnOfOpenHandler(context);
      return true;
    }
    try {
      const admission = admissionOf(request);
      // There may be a guard of the application and one of the class: the second has nothing to check.
      if (admission !== undefined && requirements.includes(admission.requirement)) return true;
      shareHiddenClassesOfExpress(request);
      const admitted = await enter(request, requirement, context.switchToHttp().getRequest<unknown>());
      for (const further of requirements.slice(1)) await satisfy(admitted, further);
      return true;
    } catch (error) {
      throw exceptionFor(error, context, requirement);
    }
  }

  /** What a request has to satisfy. Throws the answer of a route whose requirement is unknown or contradicts itself. */
  #requirementsOf(context: ExecutionContext): readonly Requirement[] {
    try {
      return this.#requirementsFor(context);
    } catch (error) {
      publishRefused(error);
      throw exceptionFor(error, context, undefined);
    }
  }

  #requirementsFor(context: ExecutionContext): readonly Requirement[] {
    const requirements = requirementsFor(context);
    if (requirements.length > 0) return requirements;
    return this.#requiresAuth() && !isLifted(context) ? [ofUndecorated] : requirements;
  }

  #requiresAuth(): boolean {
    return this.#requireAuth || identityInForce()?.settings.requireAuth === true;
  }

  #refuseOtherThanHttp(context: ExecutionContext): void {
    if (this.#requirementsFor(context).length === 0) return;
    const error = new ConfigurationError(
      `${nameOfHandler(context)} is protected, and was reached by ${context.getType()}: ` +
        'only HTTP requests carry a token that can be checked.',
    );
    warnDeveloper(error);
    throw error;
  }
}

/** Runs handlers in the context of their request, and has their refusals answered. Decorators bind it beside the guard. */
class RequestContext implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = httpRequestOf(context);
    const verified = verifiedRequests.get(request);
    return new Observable((subscriber) => {
      const fail = (error: unknown) => {
        subscriber.error(isRefusal(error) ? exceptionFor(error, context, verified?.requirement) : error);
      };
      // Nest calls the handler on subscription, in the context in which `handle` was called.
      const handle = () =>
        next.handle().subscribe({
          next: (value) => {
            subscriber.next(value);
          },
          error: fail,
          complete: () => {
            subscriber.complete();
          },
        });
      const run = () => {
        if (verified === undefined) return currentRequest.exit(handle);
        noteHandler(verified, context.switchToHttp().getNext());
        return currentRequest.run(verified, handle);
      };
      let checked: Promise<void> | undefined;
      try {
        checked = checkGateRan(context, verified);
      } catch (error) {
        fail(error);
        return undefined;
      }
      if (checked === undefined) return run();
      const subscription = new Subscription();
      checked.then(() => {
        subscription.add(run());
      }, fail);
      return subscription;
    });
  }
}

async function satisfyAll(verified: VerifiedContext, requirements: readonly Requirement[]): Promise<void> {
  for (const requirement of requirements) await satisfy(verified, requirement);
}

function checkGateRan(context: ExecutionContext, verified: VerifiedContext | undefined): Promise<void> | undefined {
  const requirements = requirementsFor(context);
  if (requirements.length === 0) return undefined;
  if (verified?.requirement === undefined) throw gateDidNotRun(nameOfHandler(context));
  if (requirements.includes(verified.requirement)) return undefined;
  // A guard after ours that runs a middleware of /express has added to what the request was admitted for.
  return satisfyAll(verified, requirements);
}

export const theGuard = new MicrosoftIdentityGuard();

export const requestContext = new RequestContext();
