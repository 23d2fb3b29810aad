/** What `@Authorized()` of routing-controllers demands, and the check of a request against it. */
import type { IncomingMessage } from 'node:http';
import { verifiedRequests, type VerifiedContext } from '../../core/access/current-request.js';
import { anyOf, type NameDemand, type Requirement } from '../../core/access/requirement.js';
import { onlyScheme } from '../../core/access/scheme.js';
import { ConfigurationError } from '../../core/errors.js';
import { processWide } from '../../core/process-wide.js';
import { authenticate, enter } from '../../gate/admission.js';
import { identityInForce } from '../../gate/identity-in-force.js';

type Roles = readonly unknown[];

const demandsFor = (roles: Roles): readonly NameDemand[] => (roles.length === 0 ? [] : [anyOf('role', roles)]);

/**
 * A requirement of a checker, with any of the roles of each list.
 *
 * @throws ConfigurationError where a name cannot be a role
 */
export function withRoles(requirement: Requirement, lists: readonly Roles[]): Requirement {
  try {
    return { ...requirement, demands: lists.flatMap(demandsFor) };
  } catch (cause) {
    const { message } = cause as Error;
    throw new ConfigurationError(`${String(requirement.at)} takes the names of app roles. ${message}`, { cause });
  }
}

/** A default would accept the callers of the other authority. */
function requireScheme({ scheme, identity = identityInForce(), at }: Requirement): void {
  if (scheme !== undefined || identity === undefined || onlyScheme(identity.settings) !== undefined) return;
  throw new ConfigurationError(
    `${String(at)} names no scheme, and both Entra ID and B2C are configured. ` +
      "Give authorizationChecker() the option scheme: 'entra', 'b2c' or 'any'.",
  );
}

/**
 * Checks a request. If a gate of this library let it in, both must hold, and the gate's context stays: the action runs
 * only in that one.
 *
 * @param handed - the request as actions get it
 */
export async function authorize(
  request: IncomingMessage,
  requirement: Requirement,
  handed: unknown,
): Promise<VerifiedContext> {
  const passed = verifiedRequests.get(request);
  if (passed === undefined) {
    requireScheme(requirement);
    return enter(request, requirement, handed);
  }
  const { scheme = passed.requirement?.scheme, identity = passed.requirement?.identity } = requirement;
  await authenticate(request, { ...requirement, scheme, identity }, handed);
  return passed;
}

/** What the gates of `@Authorized()` admitted requests for. */
const admitted = processWide('admitted-requests', () => new WeakMap<object, Requirement>());

/** Checks a request at the gate of an `@Authorized()` action, as {@link authorize} does. */
export async function admit(
  request: IncomingMessage,
  requirement: Requirement,
  handed: unknown,
): Promise<VerifiedContext> {
  const context = await authorize(request, requirement, handed);
  admitted.set(request, requirement);
  return context;
}

const isSameList = (left: Roles, right: Roles) =>
  left.length === right.length && left.every((role, index) => role === right[index]);

/** Whether a gate admitted a request for what a checker demands, so that nothing needs to be checked again. */
export function isAdmitted(request: IncomingMessage, checker: Requirement, roles: Roles): boolean {
  const { scheme, identity, demands } = admitted.get(request) ?? {};
  if (demands === undefined || scheme !== checker.scheme || identity !== checker.identity) return false;
  return roles.length === 0 || demands.some((demand) => demand.kind === 'role' && isSameList(demand.anyOf, roles));
}
