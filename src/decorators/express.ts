/** Binds the gate to Express: as middleware, and as the decorated method itself. Knows Express by its calls alone. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessTokenClaims } from '../core/access-token-claims.js';
import { state, type VerifiedContext } from '../core/access/current-request.js';
import {
  anyOf,
  authContext,
  namedCallers,
  namedPolicies,
  scopeOrAppPermission,
  type Authenticator,
  type Callers,
  type Demand,
  type MicrosoftIdentity,
  type Requirement,
  type SchemeDemand,
} from '../core/access/requirement.js';
import type { IdentityOptions } from '../core/configuration/options.js';
import { ConfigurationError } from '../core/errors.js';
import { wellKnownPath } from '../core/issuers/resource-metadata.js';
import { decoratorsFor, type Decorators, type Host, type RequirementDecorator } from './decorators.js';
import { enter, guard, isRefusal, prototypeFor } from './gate.js';
import { boundIdentityFor, type BoundIdentity } from './initialize.js';
import { passOrRefuse, refuse, type Next } from './middleware.js';
import { lineageOf, requirementOf } from './records.js';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- Express' types are extended by this namespace alone
  namespace Express {
    interface Request {
      /** The verified claims of the caller's access token, frozen; absent where nothing was verified. */
      auth?: AccessTokenClaims;
    }
  }
}

/** A middleware, for an app, a router or a route. Any release of Express takes it. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

type HandlerCall = [request: IncomingMessage, response: ServerResponse, next: Next, ...rest: unknown[]];

/** Tells a call by Express from any other. Mocks of a request will do: they are checked like all others. */
function isHandlerCall(parameters: readonly unknown[]): parameters is HandlerCall {
  const [request, response, next] = parameters as Partial<HandlerCall>;
  return (
    typeof request?.headers === 'object' && typeof response?.setHeader === 'function' && typeof next === 'function'
  );
}

// Nobody may replace what was verified, whichever middleware comes between the gate and the handler.
function publishClaims(request: object, claims: AccessTokenClaims): void {
  Object.defineProperty(request, 'auth', { value: claims, enumerable: true, configurable: true });
}

/** What is named later narrows what was named before, and what it leaves open stays as it was. */
function joinSchemes(earlier: SchemeDemand | undefined, later: SchemeDemand | undefined): SchemeDemand | undefined {
  if (later === undefined) return earlier;
  if (later.kind !== earlier?.kind) return later;
  const policies = later.policies ?? earlier.policies;
  const callers = later.callers === undefined || later.callers === 'any' ? earlier.callers : later.callers;
  if (policies === earlier.policies && callers === earlier.callers) return earlier;
  return Object.freeze({ kind: earlier.kind, policies, callers });
}

/** A scheme says whose configuration it means; a demand of the process goes with any. */
function isOfAnotherIdentity(earlier: Requirement, later: Requirement): boolean {
  const says = later.scheme !== undefined || later.identity !== undefined;
  return says && later.identity !== earlier.identity;
}

// Verifiers are chosen once for each requirement, so the same two gates must always add up to the same object.
const joined = new WeakMap<Requirement, WeakMap<Requirement, Requirement>>();

/**
 * What a request has to satisfy at a gate that is not its first.
 *
 * @returns `earlier` itself where the gate demands nothing that the request was not let in for
 */
function join(earlier: Requirement, later: Requirement): Requirement {
  if (isOfAnotherIdentity(earlier, later)) return later;
  const known = joined.get(earlier)?.get(later);
  if (known !== undefined) return known;
  const scheme = joinSchemes(earlier.scheme, later.scheme);
  const added = later.demands.filter((demand) => !earlier.demands.includes(demand));
  const sum =
    scheme === earlier.scheme && added.length === 0
      ? earlier
      : Object.freeze({ ...earlier, scheme, demands: Object.freeze([...earlier.demands, ...added]) });
  const sums = joined.get(earlier) ?? new WeakMap<Requirement, Requirement>();
  joined.set(earlier, sums.set(later, sum));
  return sum;
}

/** What a request was let in for before, and what it has to satisfy now. */
function demandsOn(request: object, own: Requirement): { passed?: VerifiedContext; requirement: Requirement } {
  const context = state.verified.get(request);
  if (context?.requirement === undefined) return { requirement: own };
  const requirement = join(context.requirement, own);
  return requirement === context.requirement ? { passed: context, requirement } : { requirement };
}

/** Lets a request pass on to `proceed`, or refuses it. Never throws and never rejects. */
function admit(own: Requirement, [request, response, next]: HandlerCall, proceed: () => void): void {
  const { passed, requirement } = demandsOn(request, own);
  if (passed !== undefined) {
    state.current.run(passed, proceed);
    return;
  }
  passOrRefuse(requirement, request, response, (refusal) => {
    if (refusal !== undefined) {
      next(refusal);
      return;
    }
    const context = state.verified.get(request);
    try {
      if (context === undefined) throw new ConfigurationError('A request passed its gate, and nothing was verified.');
      publishClaims(request, context.claims);
    } catch (error) {
      refuse(error, request, response, next, requirement);
      return;
    }
    proceed();
  });
}

/** The middlewares of this library, in the order of the decorators they stand for. */
export interface Middlewares {
  /**
   * Demands a valid Entra ID access token.
   *
   * @param options.callers - `'user'`: a person, through an application; `'app'`: an application on its own behalf.
   *   Default `'any'`
   * @throws ConfigurationError where `callers` is none of these words
   */
  readonly requiresAuth: (options?: { readonly callers?: Callers | undefined }) => Middleware;
  /**
   * Demands a valid Azure AD B2C access token.
   *
   * @param options.policy - the policy, or policies, the token must come from; default: any that is configured
   * @throws ConfigurationError where there is no name, or a blank one
   */
  readonly requiresB2cAuth: (options?: { readonly policy?: string | readonly string[] | undefined }) => Middleware;
  /** Demands a valid access token, of Entra ID or of Azure AD B2C. */
  readonly requiresAnyAuth: () => Middleware;
  /**
   * Demands any of the scopes. A delegated token is asked for its `scp`, an app-only token for its `roles`. The scheme is
   * that of the middleware before it; where there was none, the one that is configured.
   *
   * @param anyOfScopes - short names, such as `access_as_user`
   * @throws ConfigurationError where there is no name, or one that is blank, holds white space or is a full URI
   */
  readonly requiresScope: (...anyOfScopes: [string, ...string[]]) => Middleware;
  /**
   * Demands any of the roles in `roles`, of a person or an application.
   *
   * @throws ConfigurationError where there is no name, or one that is blank or holds white space
   */
  readonly requiresRole: (...anyOfRoles: [string, ...string[]]) => Middleware;
  /**
   * Demands any of the scopes of a person, or any of the application permissions (`roles`) of an application that calls
   * on its own behalf.
   *
   * @throws ConfigurationError as `requiresScope` and `requiresRole` do
   */
  readonly requiresScopeOrAppPermission: (options: {
    readonly scope: string | readonly string[];
    readonly appPermission: string | readonly string[];
  }) => Middleware;
  /**
   * Demands membership in any of the groups.
   *
   * @param anyOfGroups - object ids, or whatever else the app registration puts in `groups`
   * @throws ConfigurationError where there is no name, or a blank one
   */
  readonly requiresGroup: (...anyOfGroups: [string, ...string[]]) => Middleware;
  /** Refuses guests of the tenant. Applications pass. */
  readonly denyGuests: () => Middleware;
  /**
   * Demands an authentication context of Conditional Access.
   *
   * @param id - `c1` to `c99`
   * @throws ConfigurationError where it is none of these
   */
  readonly requiresAuthContext: (id: string) => Middleware;
}

function middlewareFor(requirement: Requirement): Middleware {
  return (request, response, next) => {
    admit(requirement, [request, response, next], () => {
      next();
    });
  };
}

/**
 * The middlewares.
 *
 * @param identity - the configuration that tokens are held against; default: that of the process
 */
export function middlewaresFor(identity?: Authenticator): Middlewares {
  const factory =
    <T extends unknown[]>(read: (...parameters: T) => { scheme: SchemeDemand } | { demand: Demand }) =>
    (...parameters: T): Middleware => {
      // A factory in the place of its middleware would let no request on, and answer none.
      if (isHandlerCall(parameters)) {
        throw new ConfigurationError('A middleware of this library stands without its parentheses: requiresAuth().');
      }
      const addition = read(...parameters);
      const scheme = 'scheme' in addition ? Object.freeze(addition.scheme) : undefined;
      const demands = Object.freeze('demand' in addition ? [addition.demand] : []);
      return middlewareFor(Object.freeze({ scheme, demands, identity }));
    };
  return {
    requiresAuth: factory(({ callers } = {}) => ({ scheme: { kind: 'entra', callers: namedCallers(callers) } })),
    requiresB2cAuth: factory(({ policy } = {}) => ({ scheme: { kind: 'b2c', policies: namedPolicies(policy) } })),
    requiresAnyAuth: factory(() => ({ scheme: { kind: 'any' } })),
    requiresScope: factory((...scopes) => ({ demand: anyOf('scope', scopes) })),
    requiresRole: factory((...roles) => ({ demand: anyOf('role', roles) })),
    requiresScopeOrAppPermission: factory(({ scope, appPermission }) => ({
      demand: scopeOrAppPermission(scope, appPermission),
    })),
    requiresGroup: factory((...groups) => ({ demand: anyOf('group', groups) })),
    denyGuests: factory(() => ({ demand: Object.freeze({ kind: 'member' }) })),
    requiresAuthContext: factory((id) => ({ demand: authContext(id) })),
  };
}

type Method = Parameters<typeof guard>[0];

type Run = (...parameters: unknown[]) => unknown;

/** A method as it was written, and the class that defines it: what a derived class's own wrapper goes around. */
interface Original {
  readonly method: Method;
  readonly definer: object;
}

const originals = new WeakMap<Method, Original>();

/** The running calls of handlers, by the context they run in: what they call in turn is no new arrival. */
const running = new WeakMap<VerifiedContext, object>();

/** Runs a handler in its request's own context, which whatever it calls `next` for does not share. */
function runIn(context: VerifiedContext, [request, response, next, ...rest]: HandlerCall, run: Run): unknown {
  const frame = { ...context };
  running.set(frame, request);
  const leave: Next = (error) => {
    state.current.run(context, next, error);
  };
  return state.current.run(frame, run, request, response, leave, ...rest);
}

/** Hands an error of a handler to the application, or answers it where it is a refusal. */
function settle(error: unknown, [request, response, next]: HandlerCall, requirement: Requirement | undefined): void {
  if (isRefusal(error)) refuse(error, request, response, next, requirement);
  else if (error) next(error);
  // Express takes a falsy error for none, and would go on to the next handler.
  else next(new Error('A handler threw, or rejected with, nothing.'));
}

/** What a handler calls in turn is checked too where it demands more; its refusal is the caller's to handle. */
function callWithin(own: Requirement, call: HandlerCall, run: Run): unknown {
  const [request] = call;
  const { passed, requirement } = demandsOn(request, own);
  if (passed !== undefined) return run(...call);
  const proceed = (context: VerifiedContext) => {
    publishClaims(request, context.claims);
    return runIn(context, call, run);
  };
  const entry = enter(request, requirement);
  return entry instanceof Promise ? entry.then(proceed) : proceed(entry);
}

/** A call by Express: the gate, and then the handler. Nothing it throws or rejects with goes unanswered. */
function arrive(own: Requirement | undefined, call: HandlerCall, run: Run): unknown {
  const [request] = call;
  // Stays pending where the request was answered or handed over: nobody who awaits a handler may then go on.
  return new Promise((resolve) => {
    const proceed = () => {
      const context = state.verified.get(request);
      const attempt = async () => await (context === undefined ? run(...call) : runIn(context, call, run));
      attempt().then(resolve, (error: unknown) => {
        settle(error, call, context?.requirement ?? own);
      });
    };
    if (own === undefined) proceed();
    else admit(own, call, proceed);
  });
}

function gated(method: Method, name: PropertyKey, owner: object, definer: object): Method {
  const original = originals.get(method) ?? { method, definer };
  const inner = guard(original.method, name, owner, original.definer);
  const gatedMethod: Method = function (...parameters) {
    // An error handler is given the error ahead of the request.
    const call = isHandlerCall(parameters) ? parameters : parameters.slice(1);
    if (!isHandlerCall(call)) return inner.apply(this, parameters);
    const ahead = parameters.slice(0, parameters.length - call.length);
    const run: Run = (...ofExpress) => inner.call(this, ...ahead, ...ofExpress);
    const [request] = call;
    const own = requirementOf(prototypeFor(this, owner), name);
    const current = state.current.getStore();
    // Only runAs vouches for a caller without a gate.
    if (current !== undefined && current.requirement === undefined) {
      publishClaims(request, current.claims);
      return run(...call);
    }
    const isWithin = current !== undefined && running.get(current) === request;
    if (!isWithin) return arrive(own, call, run);
    return own === undefined ? run(...call) : callWithin(own, call, run);
  };
  Object.defineProperties(gatedMethod, {
    name: { value: original.method.name, configurable: true },
    // Express takes a function of four parameters for an error handler.
    length: { value: original.method.length, configurable: true },
  });
  originals.set(gatedMethod, original);
  return gatedMethod;
}

/** The methods of a class, its own and those it inherits, each with the class that defines it. */
function methodsOf(prototype: object): Map<PropertyKey, Original & { readonly descriptor: PropertyDescriptor }> {
  const methods = new Map<PropertyKey, Original & { descriptor: PropertyDescriptor }>();
  const seen = new Set<PropertyKey>(['constructor']);
  for (const definer of lineageOf(prototype)) {
    if (definer === Object.prototype) break;
    for (const name of Reflect.ownKeys(definer).filter((key) => !seen.has(key))) {
      seen.add(name);
      const descriptor = Object.getOwnPropertyDescriptor(definer, name);
      const method: unknown = descriptor?.value;
      if (descriptor !== undefined && typeof method === 'function') {
        methods.set(name, { method: method as Method, definer, descriptor });
      }
    }
  }
  return methods;
}

/** Every method of a class on which a requirement bears becomes its own gate, also for calls without an instance. */
function gateMethods(prototype: object): void {
  for (const [name, { method, definer, descriptor }] of methodsOf(prototype)) {
    if (requirementOf(prototype, name) === undefined && !originals.has(method)) continue;
    Object.defineProperty(prototype, name, { ...descriptor, value: gated(method, name, prototype, definer) });
  }
}

const parametersOfExpress = 3;

/** The binding of the decorators to Express. */
const expressHost: Host = {
  onMethod(prototype, method, descriptor) {
    gateMethods(prototype);
    descriptor.value = gated(descriptor.value as Method, method, prototype, prototype);
  },
  onClass({ prototype }) {
    gateMethods(prototype);
  },
  onParameter(prototype, method, index) {
    if (index < parametersOfExpress) {
      throw new ConfigurationError(
        `@TokenClaims() stands on one of the first three parameters of ${String(method)}, which Express fills.`,
      );
    }
    const handler: unknown = Object.getOwnPropertyDescriptor(prototype, method)?.value;
    if (typeof handler !== 'function') return;
    // Express takes a function of four parameters for an error handler; those that it does not fill do not count.
    Object.defineProperty(handler, 'length', { value: Math.min(handler.length, index), configurable: true });
  },
};

type Constructor = new (...parameters: unknown[]) => object;

const watched = new WeakSet<object>();

/** What reflect-metadata adds to `Reflect`, where an application has loaded it. */
interface MetadataReflection {
  getOwnMetadataKeys(target: object): unknown[];
  getOwnMetadata(key: unknown, target: object): unknown;
  defineMetadata(key: unknown, value: unknown, target: object): void;
}

/** Metadata of other libraries, which stands on the class that is replaced. */
function copyMetadata(from: object, to: object): void {
  const metadata = Reflect as unknown as Partial<MetadataReflection>;
  for (const key of metadata.getOwnMetadataKeys?.(from) ?? []) {
    metadata.defineMetadata?.(key, metadata.getOwnMetadata?.(key, from), to);
  }
}

/**
 * A class that gates the methods of the classes below it. Where one of those bears no decorator, its first instance is
 * what shows it.
 */
function watch(constructor: Constructor): Constructor {
  if (watched.has(constructor)) return constructor;
  const seen = new WeakSet([constructor.prototype as object]);
  const watching = new Proxy(constructor, {
    construct(target, parameters, newTarget) {
      const prototype = newTarget.prototype as object;
      if (!seen.has(prototype)) {
        seen.add(prototype);
        gateMethods(prototype);
      }
      return Reflect.construct(target, parameters, newTarget) as object;
    },
  });
  copyMetadata(constructor, watching);
  Object.defineProperty(constructor.prototype, 'constructor', { value: watching, writable: true, configurable: true });
  watched.add(watching);
  return watching;
}

type RequirementDecoratorFactory = (...parameters: never[]) => RequirementDecorator;

/** Where a decorator stands on a class, the watched class takes its place. */
function watchingFactory(factory: RequirementDecoratorFactory): RequirementDecoratorFactory {
  return (...parameters) => {
    const decorator = factory(...parameters);
    return (target, propertyKey, descriptor) => {
      decorator(target, propertyKey, descriptor);
      return propertyKey === undefined ? watch(target as Constructor) : undefined;
    };
  };
}

/**
 * The decorators for Express handlers.
 *
 * @param identity - the configuration that tokens are held against; default: that of the process
 */
export function expressDecoratorsFor(identity?: Authenticator): Decorators {
  const { TokenClaims, ...requirements } = decoratorsFor(expressHost, identity);
  const factories = Object.entries<RequirementDecoratorFactory>(requirements);
  const watching = Object.fromEntries(factories.map(([name, factory]) => [name, watchingFactory(factory)]));
  return { ...(watching as unknown as typeof requirements), TokenClaims };
}

/** A configuration of its own, with decorators and middlewares that hold tokens against it. */
export type ExpressIdentity = BoundIdentity & Middlewares;

/**
 * A configuration of its own beside that of the process, and middlewares and decorators that hold tokens against it: for
 * an API that serves two registrations.
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
}));

/**
 * A middleware that answers `GET /.well-known/oauth-protected-resource` with what the API says of itself. Mount it on the
 * app, ahead of a gate that stands there.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @throws ConfigurationError where the option `resourceMetadata` was not given
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-3 RFC 9728 §3}
 */
export function resourceMetadata(
  identity: Pick<MicrosoftIdentity, 'resourceMetadata'> | undefined = state.identity,
): Middleware {
  const document = identity?.resourceMetadata;
  if (document === undefined) {
    throw new ConfigurationError('resourceMetadata() needs the option resourceMetadata of initialize().');
  }
  const path = wellKnownPath(document);
  const body = JSON.stringify(document);
  return (request, response, next) => {
    const { method = '', originalUrl = request.url ?? '' } = request as IncomingMessage & { originalUrl?: string };
    if (!['GET', 'HEAD'].includes(method) || originalUrl.split('?', 1)[0] !== path) {
      next();
      return;
    }
    response.statusCode = 200;
    // Browsers ask too, from wherever the client was loaded.
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Content-Length', Buffer.byteLength(body));
    response.end(method === 'HEAD' ? undefined : body);
  };
}
