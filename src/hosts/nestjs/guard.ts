/** The gate as a guard of Nest, and the interceptor that runs handlers in the context of their request. */
import {
  StreamableFile,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Observable, Subscription } from 'rxjs';
import { bindBody, currentRequest, verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { whenSettled } from '../../core/awaited.js';
import { checkArguments, type Signature } from '../../core/call-arguments.js';
import { ConfigurationError } from '../../core/errors.js';
import { gateDidNotRun } from '../../decorators/protected-method.js';
import { validToken } from '../../decorators/undecorated.js';
import { admissionOf, enter, satisfy } from '../../gate/admission.js';
import { identityFor, identityInForce } from '../../gate/identity-in-force.js';
import { noteHandlerOf } from '../../gate/not-verified-yet.js';
import { isRefusal, warnDeveloper } from '../../gate/refusal.js';
import { closingParts } from '../../gate/known-handlers.js';
import { enforcesRequireAuth } from '../../gate/require-auth.js';
import { noteHandler } from '../running-handlers.js';
import { isLifted, nameOfHandler, requirementsFor } from './handler-method.js';
import { carrierOf, shareHiddenClassesOfExpress, type Carrier } from './platform.js';
import { answerRefusalIn, exceptionFor } from './refusals.js';

const undecorated = new WeakMap<object, WeakMap<object, Requirement>>();

/** What a handler without a decorator requires. The same object each time: a request is checked once for it. */
function requirementOfUndecorated(context: ExecutionContext): Requirement {
  const [controller, handler] = [context.getClass(), context.getHandler()];
  const known = undecorated.get(controller) ?? new WeakMap<object, Requirement>();
  undecorated.set(controller, known);
  const requirement =
    known.get(handler) ?? validToken('MicrosoftIdentityGuard with requireAuth', nameOfHandler(context));
  known.set(handler, requirement);
  return requirement;
}

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
   * Takes {@link MicrosoftIdentityGuardOptions.requireAuth}.
   *
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
   * @throws HttpException, with a ConfigurationError as its cause, if a protected handler is reached without an HTTP request.
   *   An operation of GraphQL over HTTP has one
   */
  async canActivate(context: ExecutionContext): Promise<true> {
    const requirements = this.#requirementsOf(context);
    const [requirement] = requirements;
    const carrier = carrierOf(context);
    if (requirement === undefined) {
      this.#warnOfOpen(context, carrier);
      return true;
    }
    try {
      if (carrier === undefined) throw withoutRequest(context);
      await admit(carrier, requirements, requirement);
      return true;
    } catch (error) {
      throw exceptionFor(error, context, requirement);
    }
  }

  #warnOfOpen(context: ExecutionContext, carrier: Carrier | undefined): void {
    if (this === theGuard || carrier === undefined || admissionOf(carrier.request) !== undefined) return;
    if (!isLifted(context)) warnOfOpenHandler(context);
  }

  /** What a request has to satisfy. Throws the answer of a route whose requirement is unknown or contradicts itself. */
  #requirementsOf(context: ExecutionContext): readonly Requirement[] {
    try {
      return this.#requirementsFor(context);
    } catch (error) {
      throw exceptionFor(error, context, undefined);
    }
  }

  #requirementsFor(context: ExecutionContext): readonly Requirement[] {
    const requirements = requirementsFor(context);
    if (requirements.length > 0) return requirements;
    return this.#requiresAuth() && !isLifted(context) ? [requirementOfUndecorated(context)] : requirements;
  }

  #requiresAuth(): boolean {
    return this.#requireAuth || identityInForce()?.settings.requireAuth === true;
  }
}

/** Lets a request in that satisfies all requirements of its handler. */
async function admit(
  { request, handed }: Carrier,
  requirements: readonly Requirement[],
  first: Requirement,
): Promise<void> {
  const admission = admissionOf(request);
  // There may be a guard of the application and one of the class: the second has nothing to check.
  if (admission !== undefined && requirements.includes(admission.requirement)) return;
  if (identityFor(first) === undefined) throw withoutConfiguration(first);
  shareHiddenClassesOfExpress(request);
  const admitted = await enter(request, first, handed);
  for (const further of requirements.slice(1)) await satisfy(admitted, further);
}

function withoutConfiguration({ at }: Requirement): ConfigurationError {
  return new ConfigurationError(
    `${String(at)} was called before initialize(). Import MicrosoftIdentityModule.forRoot() in the root module of the ` +
      'application, or call initialize() before it listens.',
  );
}

function withoutRequest(context: ExecutionContext): ConfigurationError {
  return new ConfigurationError(
    `${nameOfHandler(context)} is protected, and was reached by ${context.getType()} without an HTTP request: ` +
      'only that carries a token which can be checked. Over a WebSocket, check the token where the connection is opened, ' +
      'with authenticate() of microsoft-identity-decorators/fetch.',
  );
}

/**
 * The stream that a handler returned, or that Nest's StreamableFile holds. Nest sends it after the interceptors. An object of
 * the application may have a method of the same name: Nest does not call that one, and sends the object as JSON.
 */
const streamIn = (value: unknown) => (value instanceof StreamableFile ? value.getStream() : value);

/** Runs handlers in the context of their request, and has their refusals answered. Decorators bind it beside the guard. */
class RequestContext implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = carrierOf(context)?.request;
    const verified = request && verifiedRequests.get(request);
    return new Observable((subscriber) => {
      const fail = (error: unknown) => {
        noteHandlerOf(error, () => nameOfHandler(context));
        subscriber.error(isRefusal(error) ? exceptionFor(error, context, verified?.requirement) : error);
      };
      // Nest calls the handler on subscription, in the context in which `handle` was called.
      const handle = () =>
        next.handle().subscribe({
          next: (value: unknown) => {
            // RxJS ends the process with what is thrown here.
            try {
              if (verified !== undefined) bindBody(streamIn(value), verified);
              if (context.getType() === 'http') answerRefusalIn(value, context, verified?.requirement);
            } catch (error) {
              fail(error);
              return;
            }
            subscriber.next(value);
          },
          error: fail,
          complete: () => {
            subscriber.complete();
          },
        });
      const run = () => {
        if (verified === undefined) return currentRequest.exit(handle);
        noteHandler(verified, context.getType() === 'http' ? context.switchToHttp().getNext() : undefined);
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
      const runLater = () => {
        subscription.add(run());
      };
      void whenSettled(checked, runLater, fail);
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
