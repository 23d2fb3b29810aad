/** The gates before an action: of the decorators of this library, and of `@Authorized()`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { currentRequest, type VerifiedContext } from '../../core/access/current-request.js';
import type { Requirement } from '../../core/access/requirement.js';
import { whenSettled } from '../../core/awaited.js';
import { nameOfElement } from '../../core/element-name.js';
import { authorizedRoles, rolesAt } from '../../decorators/authorized-roles.js';
import { requirementOf } from '../../decorators/decorated-elements.js';
import { requirementOfUndecorated } from '../../decorators/undecorated.js';
import { enter } from '../../gate/admission.js';
import { noteRoute } from '../../gate/registered-routes.js';
import { shareHiddenClasses } from '../hidden-class.js';
import { passOrRefuse, refuse, type Next, type Passage } from '../node-middleware.js';
import { admit, withRoles } from './authorized.js';
import { requirementOfCheckerInUse } from './checker-in-use.js';
import { passOnKoa, refuseOnKoa, type KoaContext } from './koa.js';
import type { Controller, Storage } from './run-action.js';

type ExpressArguments = [IncomingMessage, ServerResponse, Next];
type KoaArguments = [KoaContext, () => Promise<void>];

/** A middleware. The two drivers call it with the arguments of their framework. */
type Gate = (...parameters: ExpressArguments | KoaArguments) => unknown;

/** Checks a request, which actions get as `handed`; throws or rejects where it is refused. */
type Check = (request: IncomingMessage, handed: object) => VerifiedContext | Promise<VerifiedContext>;

/** The gate on Koa. It also stands around the action, and answers what the action refuses. */
async function koaGate(requirement: Requirement, check: Check, ...[context, next]: KoaArguments): Promise<void> {
  let verified: VerifiedContext;
  try {
    verified = await check(context.req, context.request);
  } catch (error) {
    refuseOnKoa(error, context, requirement);
    return;
  }
  await passOnKoa(verified, context, requirement, next);
}

const passage: Passage = {
  proceed: (_context, next) => {
    next?.();
  },
};

function decoratorGate(requirement: Requirement): Gate {
  const check: Check = (request, handed) => enter(request, requirement, handed);
  return (...parameters) => {
    if (parameters.length === 2) return koaGate(requirement, check, ...parameters);
    const [request, response, next] = parameters;
    shareHiddenClasses(request, response);
    return passOrRefuse(requirement, { request, response, next }, passage);
  };
}

function authorizedGate(checker: Requirement, target: Controller, method: string, storage: Storage): Gate | undefined {
  const lists = authorizedRoles(target, method, storage);
  if (lists.length === 0) return undefined;
  const route = nameOfElement(target, method);
  const withoutRoles = { ...checker, at: `@Authorized() on ${route}`, route };
  let requirement: Requirement | undefined;
  const check = async (request: IncomingMessage, handed: object) => {
    // A name that cannot be a role refuses the requests of its action. It does not stop the app.
    requirement ??= withRoles(withoutRoles, lists);
    return admit(request, requirement, handed);
  };
  return (...parameters) => {
    if (parameters.length === 2) return koaGate(checker, check, ...parameters);
    const [request, response, next] = parameters;
    shareHiddenClasses(request, response);
    void whenSettled(
      check(request, request),
      (context) => {
        currentRequest.run(context, () => {
          next();
        });
      },
      (error) => {
        refuse(error, request, response, next, checker);
      },
    );
    return undefined;
  };
}

/** The gates of an action, in their order. */
export function gatesFor(target: Controller, method: string, storage: Storage): readonly Gate[] {
  const checker = requirementOfCheckerInUse();
  const authorized = checker && authorizedGate(checker, target, method, storage);
  // routing-controllers asks any other checker, but not for what an inherited action has above its class.
  const isAuthorized = authorized !== undefined || rolesAt(target, method, storage) !== undefined;
  const requirement =
    requirementOf(target.prototype, method) ??
    (isAuthorized ? undefined : requirementOfUndecorated(target.prototype, method));
  if (requirement !== undefined) noteRoute(requirement);
  return [requirement && decoratorGate(requirement), authorized].filter((gate) => gate !== undefined);
}
