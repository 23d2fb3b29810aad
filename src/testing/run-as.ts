/** A verified request of a test, without HTTP. */
import { types } from 'node:util';
import type { AccessTokenClaims } from '../core/access-token-claims.js';
import { currentRequest, type DownstreamFake, type VerifiedContext } from '../core/access/current-request.js';
import { describe, problemWithOptions } from '../core/call-arguments.js';
import { address, AuthError, ConfigurationError } from '../core/errors.js';
import { deepFreeze, withOwnMembers } from '../core/json.js';

/** What a test gives beside the claims. */
export interface RunAsOptions {
  /** The APIs that `@OnBehalfOf`, `@AsApplication` and their helpers call, by name: each answers a request. */
  readonly downstream?: Readonly<Record<string, DownstreamFake>>;
}

const example = 'Write runAs(claims, fn, { downstream: { graph: (request) => Response.json({}) } }).';

/** Copies the fakes, so that no name is found on a prototype. */
function fakesOf(options: RunAsOptions): ReadonlyMap<string, DownstreamFake> {
  const problem = problemWithOptions(options, ['downstream']);
  if (problem !== undefined) throw new ConfigurationError(`runAs: ${problem}. ${example}`);
  const { downstream: fakes = {} }: { readonly downstream?: unknown } = options;
  if (typeof fakes !== 'object' || fakes === null || Array.isArray(fakes)) {
    throw new ConfigurationError(`runAs: downstream is ${describe(fakes)}; it takes functions by name. ${example}`);
  }
  for (const [name, fake] of Object.entries(fakes)) {
    if (typeof fake === 'function') continue;
    throw new ConfigurationError(`runAs: the fake of ${name} is ${describe(fake)}; it takes a function. ${example}`);
  }
  return new Map(Object.entries(fakes as Readonly<Record<string, DownstreamFake>>));
}

/**
 * Runs code as if a verified request carried these claims: protected methods can be called, and `@TokenClaims()` parameters
 * and the helpers get the claims. It does not check whether the claims satisfy the decorators of a method.
 *
 * Other APIs are not called: a function of the test answers in place of each. It gets a `Request` whose token is a fixed
 * text. An API without such a function is a ConfigurationError where it is called.
 *
 * @param claims - the claims of the token; copied and frozen
 * @param options.downstream - the functions that answer in place of other APIs, by the names of the APIs
 * @returns what `fn` returns
 * @throws ConfigurationError for an unknown option, and what `fn` throws; an AuthError is addressed to the caller whose claims these are, as by a gate
 * @example
 * ```ts
 * import { runAs } from 'microsoft-identity-decorators/testing';
 *
 * const report = await runAs({ scp: 'access_as_user' }, () => controller.report('Oslo'));
 * ```
 */
export function runAs<T>(claims: Readonly<Record<string, unknown>>, fn: () => T, options: RunAsOptions = {}): T {
  const fakes = fakesOf(options);
  const verified = deepFreeze(withOwnMembers(structuredClone(claims))) as AccessTokenClaims;
  const caller: VerifiedContext = { claims: verified, authority: undefined, requirement: undefined, fakes };
  const fail = (error: unknown): never => {
    if (error instanceof AuthError) error[address]({ caller });
    throw error;
  };
  try {
    const result = currentRequest.run(caller, fn);
    // Any other thenable may start its work in `then`: only whoever awaits it calls that.
    return types.isPromise(result) ? (result.catch(fail) as T) : result;
  } catch (error) {
    return fail(error);
  }
}
