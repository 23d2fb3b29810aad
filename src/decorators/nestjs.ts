/** Binds the gate to NestJS. The only file that imports it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Catch,
  createParamDecorator,
  HttpException,
  Inject,
  Module,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type DynamicModule,
  type ExceptionFilter,
  type ExecutionContext,
  type FactoryProvider,
  type ModuleMetadata,
  type NestInterceptor,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import 'reflect-metadata';
import { Observable } from 'rxjs';
import { state } from '../core/access/current-request.js';
import type { MicrosoftIdentity, Requirement } from '../core/access/requirement.js';
import type { IdentityOptions } from '../core/configuration/options.js';
import { ConfigurationError, type Refusal } from '../core/errors.js';
import { answer, warnDeveloper } from './answer.js';
import { verifiedClaimsOf } from './current-request.js';
import type { Host } from './decorators.js';
import { enter, forwardsErrors, gateDidNotRun, guard, guardAction, isRefusal, refusalOf } from './gate.js';
import { initialize } from './initialize.js';
import { lineageOf, requirementOf } from './records.js';

interface Controller {
  readonly prototype: object;
  readonly name: string;
}

/** What is used of Fastify's reply. Headers that plugins set, such as those of CORS, wait there, not on Node's response. */
interface FastifyReply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  code(status: number): unknown;
  header(name: string, value: unknown): unknown;
  removeHeader(name: string): unknown;
  send(body: string): unknown;
}

type Response = ServerResponse | FastifyReply;

const isReply = (response: Response): response is FastifyReply => 'raw' in response;

/** Node's own request: Fastify wraps it. */
function requestOf(host: ArgumentsHost): IncomingMessage {
  const request = host.switchToHttp().getRequest<IncomingMessage & { readonly raw?: IncomingMessage }>();
  return request.raw ?? request;
}

const responseOf = (host: ArgumentsHost) => host.switchToHttp().getResponse<Response>();

function isUnderWay(response: Response): boolean {
  return isReply(response) ? response.sent || response.raw.headersSent : response.headersSent;
}

/** Fastify's reply in the form of Node's response, as far as an answer needs it. */
function asNodeResponse(reply: FastifyReply): ServerResponse {
  const response = {
    set statusCode(status: number) {
      reply.code(status);
    },
    setHeader: (name: string, value: unknown) => reply.header(name, value),
    removeHeader: (name: string) => reply.removeHeader(name),
    end: (body: string) => reply.send(body),
  };
  return response as unknown as ServerResponse;
}

function send(host: ArgumentsHost, refusal: Refusal): void {
  const response = responseOf(host);
  // It cannot be taken back. Left to Nest, it would not end on Fastify.
  if (isUnderWay(response)) (isReply(response) ? response.raw : response).end();
  else if (!isReply(response)) answer(requestOf(host), response, refusal);
  // The body goes along whatever the method: Fastify leaves it out of the answer to HEAD, and counts it.
  else answer({ method: 'GET' }, asNodeResponse(response), refusal);
}

/** A refusal on its way through Nest. Where a filter of the application catches it, that finds Nest's own kind of error. */
class RefusedRequest extends HttpException {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    const body = refusal.toJSON();
    super(body, refusal.status, { cause: refusal });
    this.refusal = refusal;
    // Filters send it on: it says no more than the body does.
    this.message = body.error_description ?? body.error;
  }
}

/** What to throw in an HTTP request that is refused: what this file answers, or what is the application's to answer. */
function exceptionFor(error: unknown, host: ArgumentsHost, requirement: Requirement | undefined): Error {
  const refusal = refusalOf(error, requirement, requestOf(host));
  warnDeveloper(refusal);
  if (forwardsErrors(requirement)) return refusal;
  const response = responseOf(host);
  // The challenge stays, also where a filter of the application writes a body of its own.
  for (const [name, value] of Object.entries(isUnderWay(response) ? {} : refusal.headers)) {
    if (isReply(response)) response.header(name, value);
    else response.setHeader(name, value);
  }
  return new RefusedRequest(refusal);
}

// Registered process-wide: the ES module and the CommonJS build may each decorate a class of one application.
const boundKey = Symbol.for('microsoft-identity-decorators/1:nestjs-bound');
const placeKey = Symbol.for('microsoft-identity-decorators/1:nestjs-place');

const handlerNames = new WeakMap<object, WeakMap<object, readonly PropertyKey[]>>();

function findNames(prototype: object, handler: { readonly name: string }): readonly PropertyKey[] {
  const names = new Set<PropertyKey>();
  for (const level of lineageOf(prototype)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (value === handler) names.add(name);
    }
  }
  if (names.size > 0) return [...names];
  // An instance may hold a function of its own, such as the bound method; the name is what is left to go by.
  const name = handler.name.replace(/^(bound )+/, '');
  return typeof (prototype as Record<string, unknown>)[name] === 'function' && name !== 'constructor' ? [name] : [];
}

/** The names a class has a handler by. The handler's own name may be another: decorators replace functions. */
function namesOf(prototype: object, handler: { readonly name: string }): readonly PropertyKey[] {
  const known = handlerNames.get(prototype) ?? new WeakMap<object, readonly PropertyKey[]>();
  handlerNames.set(prototype, known);
  let names = known.get(handler);
  if (names === undefined) known.set(handler, (names = findNames(prototype, handler)));
  return names;
}

function namesOfHandler(context: ExecutionContext): readonly PropertyKey[] {
  return namesOf((context.getClass() as Controller).prototype, context.getHandler());
}

/** What the handler that Nest is about to call demands, as a method of the controller it is called on. */
function requirementFor(context: ExecutionContext): Requirement | undefined {
  const controller = context.getClass() as Controller;
  const names = namesOfHandler(context);
  if (names.length === 0 && Reflect.hasMetadata(boundKey, controller)) {
    throw new ConfigurationError(
      `A handler of ${controller.name} is none of its methods, so nothing says what it demands.`,
    );
  }
  for (const name of names) {
    const requirement = requirementOf(controller.prototype, name);
    if (requirement !== undefined) return requirement;
  }
  return undefined;
}

/** Whether `@AllowAnonymous()` is why a handler demands nothing: any other decorator would have it demand something. */
function isLifted(context: ExecutionContext): boolean {
  const { prototype } = context.getClass() as Controller;
  return (
    Reflect.hasMetadata(placeKey, prototype) ||
    namesOfHandler(context).some((name) => Reflect.hasMetadata(placeKey, prototype, name as string))
  );
}

/** A token of the one authority that is configured, and nothing more. */
const anyToken: Requirement = Object.freeze({ scheme: undefined, demands: Object.freeze([]) });

/** What can be chosen about a guard. */
export interface MicrosoftIdentityGuardOptions {
  /** Whether handlers that bear no decorator demand a valid access token, until `@AllowAnonymous()` lifts it. Default false. */
  readonly requireAuth?: boolean | undefined;
}

/** A misspelt option would leave an application open that its author believes shut. */
function demandsTokens({ requireAuth = false, ...others }: MicrosoftIdentityGuardOptions): boolean {
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
      const request = requestOf(context);
      // A guard of the application and one of the class may both stand here.
      const passed = requirement === undefined || state.verified.get(request)?.requirement === requirement;
      if (requirement !== undefined && !passed) await enter(request, requirement);
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
    const verified = state.verified.get(requestOf(context));
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
      return verified === undefined ? state.current.exit(handle) : state.current.run(verified, handle);
    });
  }
}

function checkGateRan(context: ExecutionContext, passed: Requirement | undefined): void {
  const requirement = requirementFor(context);
  if (requirement === undefined || requirement === passed) return;
  throw gateDidNotRun(context.getClass().name, namesOfHandler(context)[0] ?? '');
}

/** Answers refusals, ahead of the filters of the class and of the application. */
@Catch(RefusedRequest)
class RefusalFilter implements ExceptionFilter<RefusedRequest> {
  catch({ refusal }: RefusedRequest, host: ArgumentsHost): void {
    send(host, refusal);
  }
}

const theGuard = new MicrosoftIdentityGuard();
const requestContext = new RequestContext();
const refusalFilter = new RefusalFilter();

/** Puts an enhancer ahead of those that a class has, and of those that it will get. */
function bindFirst(decorate: ClassDecorator, controller: Controller): void {
  const Probe = class {};
  decorate(Probe);
  for (const key of Reflect.getOwnMetadataKeys(Probe) as string[]) {
    const own = Reflect.getOwnMetadata(key, Probe) as readonly unknown[];
    const others = (Reflect.getMetadata(key, controller) ?? []) as readonly unknown[];
    Reflect.defineMetadata(key, [...own, ...others], controller);
  }
}

/**
 * Binds the gate to a whole class, wherever in it the decorator stands.
 *
 * Nest looks for the guards of a class up the chain, and for those of a method on its function alone: bound to the
 * class, the gate also stands before a method of a derived class that overrides a protected one and is a route anew.
 */
function bind(controller: Controller): void {
  if (Reflect.hasMetadata(boundKey, controller)) return;
  Reflect.defineMetadata(boundKey, true, controller);
  bindFirst(UseGuards(theGuard), controller);
  bindFirst(UseInterceptors(requestContext), controller);
  // Nest asks filters in the reverse order.
  (UseFilters(refusalFilter) as ClassDecorator)(controller as never);
}

type Method = Parameters<typeof guard>[0];

/** Lets a guarded method show what Nest, and others, keep on the function it wraps, whenever they put it there. */
function adopt(guarded: Method, method: Method, prototype: object, name: string | symbol): void {
  // reflect-metadata looks up the chain. A copy would lack what is written to the inner function later on, and a role
  // that some other guard no longer finds there is a route left open.
  Object.setPrototypeOf(guarded, method);
  // On the method too: there it comes ahead of any filter of the class, wherever that stands.
  UseFilters(refusalFilter)(prototype, name, { value: guarded });
}

const isHandler = (value: unknown): value is Method =>
  typeof value === 'function' && Reflect.getMetadataKeys(value).length > 0;

/** The methods of a class that Nest, or anything else, knows by their decorators, those it inherits included. */
function handlerNamesOf(prototype: object): readonly (string | symbol)[] {
  const names = new Set<string | symbol>();
  for (const level of lineageOf(prototype)) {
    if (level === Object.prototype) break;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (name !== 'constructor' && isHandler(value)) names.add(name);
    }
  }
  return [...names];
}

/** The binding of the decorators to NestJS. */
export const nestjs: Host = {
  onMethod(prototype, name, descriptor) {
    Reflect.defineMetadata(placeKey, true, prototype, name);
    bind(prototype.constructor);
    const method = descriptor.value as Method;
    const guarded = guard(method, name, prototype);
    if (guarded !== method) adopt(guarded, method, prototype, name);
    descriptor.value = guarded;
  },
  onClass(constructor) {
    const { prototype } = constructor;
    Reflect.defineMetadata(placeKey, true, prototype);
    bind(constructor as Controller);
    const methods = prototype as Record<string | symbol, Method>;
    for (const name of handlerNamesOf(prototype)) {
      const method = methods[name];
      guardAction(prototype, name);
      const guarded = methods[name];
      if (method !== undefined && guarded !== undefined && guarded !== method) adopt(guarded, method, prototype, name);
    }
  },
  onParameter(prototype, method, index, claim) {
    createParamDecorator((_data: unknown, context: ExecutionContext) => {
      if (context.getType() !== 'http') return undefined;
      const claims = verifiedClaimsOf(requestOf(context));
      return claim === undefined ? claims : claims?.[claim];
    })()(prototype, method, index);
  },
};

/** The token by which Nest injects the {@link MicrosoftIdentity} of {@link MicrosoftIdentityModule}. */
export const MICROSOFT_IDENTITY = Symbol.for('microsoft-identity-decorators/1:identity');

/** Options of `initialize` that are only known at run time, and what it takes to know them. */
export type MicrosoftIdentityAsyncOptions = Pick<ModuleMetadata, 'imports'> &
  Pick<FactoryProvider<IdentityOptions>, 'inject' | 'useFactory'>;

/** What stands before every handler of an application, also of controllers that bear no decorator. */
const globalEnhancers = (options: MicrosoftIdentityGuardOptions): Provider[] => [
  { provide: APP_GUARD, useValue: new MicrosoftIdentityGuard(options) },
  { provide: APP_INTERCEPTOR, useValue: requestContext },
  { provide: APP_FILTER, useValue: refusalFilter },
];

function moduleWith(
  identity: Omit<FactoryProvider<MicrosoftIdentity>, 'provide'>,
  imports: ModuleMetadata['imports'],
  options: MicrosoftIdentityGuardOptions,
): DynamicModule {
  return {
    module: MicrosoftIdentityModule,
    global: true,
    imports: imports ?? [],
    providers: [
      { provide: MICROSOFT_IDENTITY, ...identity },
      ...(demandsTokens(options) ? globalEnhancers(options) : []),
    ],
    exports: [MICROSOFT_IDENTITY],
  };
}

/**
 * Calls `initialize` when the application starts, provides what it returns as {@link MICROSOFT_IDENTITY}, and closes it
 * when the application shuts down. Plain `initialize` does as well.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { MicrosoftIdentityModule } from 'microsoft-identity-decorators/nestjs';
 *
 * // reads AzureAd__TenantId and AzureAd__ClientId
 * @Module({ imports: [MicrosoftIdentityModule.forRoot()] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class MicrosoftIdentityModule implements OnApplicationShutdown {
  readonly #identity: MicrosoftIdentity;

  constructor(@Inject(MICROSOFT_IDENTITY) identity: MicrosoftIdentity) {
    this.#identity = identity;
  }

  /**
   * The module, with options that are known where it is imported.
   *
   * @param options - those of `initialize`; without them it reads the environment
   * @param guardOptions - `requireAuth`: handlers that bear no decorator demand a valid token too
   */
  static forRoot(options?: IdentityOptions, guardOptions: MicrosoftIdentityGuardOptions = {}): DynamicModule {
    return moduleWith({ useFactory: () => initialize(options) }, undefined, guardOptions);
  }

  /**
   * The module, with options that a factory makes of what is injected.
   *
   * @param options - the factory, what to inject into it, and the modules that takes
   * @param guardOptions - as in {@link forRoot}
   */
  static forRootAsync(
    { imports, inject, useFactory }: MicrosoftIdentityAsyncOptions,
    guardOptions: MicrosoftIdentityGuardOptions = {},
  ): DynamicModule {
    const configure = async (...dependencies: unknown[]) => initialize(await useFactory(...dependencies));
    return moduleWith({ useFactory: configure, inject: inject ?? [] }, imports, guardOptions);
  }

  /** Ends downloads that are under way. */
  onApplicationShutdown(): void {
    this.#identity.close();
  }
}
