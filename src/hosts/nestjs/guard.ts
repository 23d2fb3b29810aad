/** The gate as a guard of Nest, and the interceptor that runs handlers in their request. */
import type { CallHandler, CanActivate, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Observable } from 'rxjs';
import { currentRequest, verifiedRequests } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { ConfigurationError } from '../../core/errors.js';
import { gateDidNotRun } from '../../decorators/protected-method.js';
import { enter } from '../../gate/gate.js';
import { isRefusal, warnDeveloper } from '../../gate/refusal.js';
import { isLifted, namesOfHandler, requirementFor } from './handler-method.js';
import { httpRequestOf, shareHiddenClassesOfExpress } from './platform.js';
import { exceptionFor } from './refusals.js';

/** A valid token of the only scheme that is configured. */
const anyToken: Requirement = Object.freeze({
  scheme: undefined,
  demands: Object.freeze([]),
  at: 'MicrosoftIdentityGuard with requireAuth',
});

/** What can be chosen about a guard. */
export interface MicrosoftIdentityGuardOptions {
  /** Whether handlers that bear no decorator demand a valid access token, until `@AllowAnonymous()` lifts it. Default false. */
  readonly requireAuth?: boolean | undefined;
}

/** A misspelt option would leave an application open that its author believes shut. */
export function demandsTokens({ requireAuth = false, ...others }: MicrosoftIdentityGuardOptions): boolean {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new ConfigurationError(`MicrosoftIdentityGuard has no option ${unknown}.`);
  if (typeof requireAuth !== 'boolean') {
    throw new ConfigurationError('MicrosoftIdentityGuard: requireAuth takes true or false.');
  }
  return requireAuth;
}

/**
 * The gate of every handler it stands before: it lets a request pass that meets what the decorators demand.
 *
 * The decorators bind it by themselves. Provided as `APP_GUARD`, it stands before controllers that bear none too.
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
  readonly #undecorated: Requirement | undefined;

  /**
   * @param options.requireAuth - see {@link MicrosoftIdentityGuardOptions.requireAuth}
   * @throws ConfigurationError where it is given anything else
   */
  constructor(options: MicrosoftIdentityGuardOptions = {}) {
    this.#undecorated = demandsTokens(options) ? anyToken : undefined;
  }

  /**
   * Lets a request pass.
   *
   * @returns true; a request that must not pass is thrown out
   * @throws HttpException that stands for the refusal; with `errors: 'forward'` the AuthError or ConfigurationError itself
   * @throws ConfigurationError where something other than an HTTP request reaches a protected handler
   */
  async canActivate(context: ExecutionContext): Promise<true> {
    if (context.getType() !== 'http') {
      this.#refuseOtherThanHttp(context);
      return true;
    }
    let requirement: Requirement | undefined;
    try {
      requirement = this.#requirementFor(context);
      const request = httpRequestOf(context);
      // A guard of the application and one of the class may both stand here.
      const passed = verifiedRequests.get(request)?.requirement === requirement;
      if (requirement === undefined || passed) return true;
      shareHiddenClassesOfExpress(request);
      await enter(request, requirement);
      return true;
    } catch (error) {
      throw exceptionFor(error, context, requirement);
    }
  }

  #requirementFor(context: ExecutionContext): Requirement | undefined {
    const requirement = requirementFor(context);
    if (requirement !== undefined || this.#undecorated === undefined || isLifted(context)) return requirement;
    return this.#undecorated;
  }

  #refuseOtherThanHttp(context: ExecutionContext): void {
    if (this.#requirementFor(context) === undefined) return;
    const error = new ConfigurationError(
      `${context.getClass().name}.${context.getHandler().name} is protected, and was reached by ${context.getType()}: ` +
        'only HTTP requests carry a token that can be checked.',
    );
    warnDeveloper(error);
    throw error;
  }
}

/** Runs handlers in their request's own context, and has answered what they refuse. Decorators bind it beside the guard. */
class RequestContext implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const verified = verifiedRequests.get(httpRequestOf(context));
    return new Observable((subscriber) => {
      const fail = (error: unknown) => {
        subscriber.error(isRefusal(error) ? exceptionFor(error, context, verified?.requirement) : error);
      };
      try {
        checkGateRan(context, verified?.requirement);
      } catch (error) {
        fail(error);
        return undefined;
      }
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
      return verified === undefined ? currentRequest.exit(handle) : currentRequest.run(verified, handle);
    });
  }
}

function checkGateRan(context: ExecutionContext, passed: Requirement | undefined): void {
  const requirement = requirementFor(context);
  if (requirement === undefined || requirement === passed) return;
  throw gateDidNotRun(context.getClass().name, namesOfHandler(context)[0] ?? '');
}

export const theGuard = new MicrosoftIdentityGuard();

export const requestContext = new RequestContext();
