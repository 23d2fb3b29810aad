/** The refusal of a request: what every host does before it answers one or forwards it. */
import { publishAnswered } from '../core/access/decision-events.js';
import { verifiedRequests, type VerifiedContext } from '../core/access/current-request.js';
import { demandedScopes } from '../core/access/demanded-scopes.js';
import type { Authenticator, Requirement } from '../core/access/requirement.js';
import { schemeOrAny } from '../core/access/scheme.js';
import type { ChallengingResource } from '../core/challenge.js';
import { address, AuthError, ConfigurationError, type Refusal } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import { requestLineOf } from '../core/request-line.js';
import type { RequestHeaders } from '../core/token/credential.js';
import { publishExplanation } from './debug-output.js';
import { identityFor } from './identity-in-force.js';
import { askedTooEarly, type AskedTooEarly } from './not-verified-yet.js';

/** Whether an error is one that the gate answers. */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof AuthError || error instanceof ConfigurationError;
}

/** After any other error nothing is known about the token, so the request is refused. */
function toRefusal(error: unknown, request: RequestHeaders, tokenHeader: string | undefined): Refusal {
  if (isRefusal(error)) return askedTooEarly(error, request, tokenHeader)?.answer ?? error;
  const name = error instanceof Error ? error.name : typeof error;
  return new ConfigurationError(`A request could not be checked: an unexpected ${name} was thrown.`, { cause: error });
}

/** What a configuration publishes, for the challenge to a request that did not satisfy a requirement. */
function resourceOf(requirement: Requirement | undefined): ChallengingResource | undefined {
  const identity = identityFor(requirement);
  if (identity?.publishedResource === undefined) return undefined;
  const { publishedResource: published } = identity;
  const scheme = schemeOrAny(requirement, identity.settings);
  return {
    metadataUrl: published.url,
    scopesFor: (missing) =>
      published.fullNames([...new Set([...missing, ...(requirement ? demandedScopes(requirement) : [])])], scheme),
  };
}

/** An error, addressed to its caller by the configuration that refuses it, where it is a refusal. */
export function addressedTo(
  caller: VerifiedContext | undefined,
  error: unknown,
  requirement: Requirement | undefined = caller?.requirement,
): unknown {
  if (error instanceof AuthError) {
    error[address]({ caller, resource: resourceOf(requirement) });
  }
  return error;
}

/** The refusal of a request, addressed to the caller of that request by the configuration that refuses it. */
export function addressedRefusal(
  error: unknown,
  requirement: Requirement | undefined,
  request: RequestHeaders & object,
): Refusal {
  const refusal = toRefusal(error, request, identityFor(requirement)?.settings.tokenHeader);
  addressedTo(verifiedRequests.get(request), refusal, requirement);
  return refusal;
}

/** What the developer was warned of. */
export const warningsGiven = processWide('warnings-given', () => new Set<string>());

/**
 * Warns the developer, once in the process.
 *
 * @param about - what the warning is about; a second one about the same is not given
 */
export function warnOnce(about: string, message: string, code: string): void {
  if (warningsGiven.has(about)) return;
  warningsGiven.add(about);
  process.emitWarning(message, { type: 'MicrosoftIdentityWarning', code });
}

/** Warns the developer of a mistake in the set-up, once for each message. The caller is not told of it. */
export function warnDeveloper(refusal: Refusal): void {
  if (refusal instanceof ConfigurationError) warnOnce(refusal.message, refusal.message, refusal.code);
}

/** Explains a refusal. The caller is answered even if that fails: a token that is not verified may hold anything. */
function explain(
  request: RequestHeaders,
  refusal: Refusal,
  identity: Authenticator,
  requirement: Requirement | undefined,
  tooEarly: AskedTooEarly | undefined,
): void {
  try {
    publishExplanation(request, refusal, identity, () => {
      const admitted = verifiedRequests.get(request);
      return {
        scheme: schemeOrAny(requirement, identity.settings),
        isVerified: admitted?.requirement !== undefined && admitted.identity === identity,
        scopes: requirement === undefined ? [] : demandedScopes(requirement),
        name: requirement?.route ?? requirement?.at,
        requestLine: requestLineOf(request),
        unverified: tooEarly?.remedy,
      };
    });
  } catch (cause) {
    warnDeveloper(new ConfigurationError('A refusal could not be explained.', { cause }));
  }
}

/**
 * The refusal of a request, addressed to its caller. Subscribers and the developer are told of it.
 *
 * @returns the refusal, and whether the host hands it to the application's error handler instead of answering it
 */
export function refusalOf(
  error: unknown,
  requirement: Requirement | undefined,
  request: RequestHeaders & object,
): { readonly refusal: Refusal; readonly forward: boolean } {
  const refusal = addressedRefusal(error, requirement, request);
  publishAnswered(refusal, error, { request, requirement });
  const identity = identityFor(requirement);
  const tooEarly = askedTooEarly(error, request, identity?.settings.tokenHeader);
  if (identity !== undefined) explain(request, refusal, identity, requirement, tooEarly);
  warnDeveloper(tooEarly === undefined ? refusal : new ConfigurationError(tooEarly.remedy));
  return { refusal, forward: identity?.settings.errors === 'forward' };
}
