/** One configuration at work: settings, the verifiers they call for, and who may ask which. */
import { checkDemands, checkPolicy } from './access/authorization.js';
import type { Authenticator, Requirement, SchemeDemand } from './access/requirement.js';
import { schemeFor } from './access/scheme.js';
import { andThen, isThenable } from './awaited.js';
import { requestChannel, type RequestEvent } from './channels.js';
import type { IdentityOptions } from './configuration/options.js';
import { parseSettings } from './configuration/parse-settings.js';
import type { Settings } from './configuration/settings.js';
import { ConfigurationError, InsufficientScopeError, InvalidTokenError } from './errors.js';
import { publishResource, type PublishedResource, type ResourceMetadata } from './issuers/resource-metadata.js';
import { B2cVerifier } from './token/b2c-verifier.js';
import { clientOf } from './token/claims.js';
import { bearerToken, type RequestHeaders } from './token/credential.js';
import { EitherVerifier } from './token/either-verifier.js';
import { EntraVerifier } from './token/entra-verifier.js';
import type { Verification, VerifiedToken } from './token/verified-token.js';
import type { Verifier } from './token/verifier.js';

function sayPassed(verification: Verification): Verification {
  const { outcome } = verification;
  requestChannel.publish({ outcome } satisfies RequestEvent);
  return verification;
}

function sayRefused(error: unknown): never {
  const { code, reason, status } = error as { code?: string; reason?: string; status?: number };
  requestChannel.publish({
    outcome: 'refused',
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
    ...(status !== undefined && { status }),
  } satisfies RequestEvent);
  throw error;
}

class Identity implements Authenticator {
  readonly settings: Settings;
  readonly publishedResource: PublishedResource | undefined;
  readonly #verifiers: ReadonlyMap<SchemeDemand['kind'], Verifier>;
  readonly #verifierOf = new WeakMap<Requirement, Verifier>();
  readonly #closing = new AbortController();

  constructor(settings: Settings) {
    this.settings = settings;
    const { entra, b2c, fetch, now, resourceMetadata } = settings;
    this.publishedResource = resourceMetadata && publishResource(resourceMetadata, entra, b2c);
    const options = { fetch, now, closing: this.#closing.signal };
    const verifiers = new Map<SchemeDemand['kind'], Verifier>();
    const entraVerifier = entra && new EntraVerifier(entra, settings, options);
    const b2cVerifier = b2c && new B2cVerifier(b2c, settings, options);
    if (entraVerifier !== undefined) verifiers.set('entra', entraVerifier);
    if (b2cVerifier !== undefined) verifiers.set('b2c', b2cVerifier);
    if (entraVerifier !== undefined && b2cVerifier !== undefined) {
      verifiers.set('any', new EitherVerifier(entraVerifier, b2cVerifier, settings));
    }
    this.#verifiers = verifiers;
  }

  get resourceMetadata(): ResourceMetadata | undefined {
    return this.publishedResource?.document;
  }

  authenticate(request: RequestHeaders, requirement: Requirement): Verification | Promise<Verification> {
    if (!requestChannel.hasSubscribers) return this.#authenticate(request, requirement);
    let verification: Verification | Promise<Verification>;
    try {
      verification = this.#authenticate(request, requirement);
    } catch (error) {
      return sayRefused(error);
    }
    return isThenable(verification) ? verification.then(sayPassed, sayRefused) : sayPassed(verification);
  }

  #authenticate(request: RequestHeaders, requirement: Requirement): Verification | Promise<Verification> {
    let verifier = this.#verifierOf.get(requirement);
    if (verifier === undefined) this.#verifierOf.set(requirement, (verifier = this.#chooseVerifier(requirement)));
    return andThen(verifier.verify(bearerToken(request)), (verification) => this.#authorize(verification, requirement));
  }

  async ready(): Promise<void> {
    const either = this.#verifiers.get('any');
    const needed = either === undefined ? [...this.#verifiers.values()] : [either];
    await Promise.all(needed.map((verifier) => verifier.ready()));
  }

  close(): void {
    this.#closing.abort(new Error('The identity was closed.'));
  }

  #authorize(verification: Verification, requirement: Requirement): Verification | Promise<Verification> {
    checkPolicy(requirement, verification.token);
    const asking = this.#askTenant(verification.token);
    if (asking !== undefined) return asking.then(() => this.#checkReach(verification, requirement));
    return this.#checkReach(verification, requirement);
  }

  #checkReach(verification: Verification, requirement: Requirement): Verification | Promise<Verification> {
    const { token } = verification;
    const { allowedClients, resolveGroups } = this.settings;
    if (allowedClients !== undefined && !allowedClients.has(clientOf(token.claims) ?? '')) {
      throw new InsufficientScopeError('client');
    }
    const asking = checkDemands(requirement, token, resolveGroups);
    return asking === undefined ? verification : asking.then(() => verification);
  }

  /** Asks the developer's function whether the tenant may call, where there is one. */
  #askTenant({ kind, claims }: VerifiedToken): void | Promise<void> {
    const allows = this.settings.entra?.allowedTenants;
    if (kind !== 'entra' || typeof allows !== 'function') return undefined;
    const fail = (cause: unknown): never => {
      throw new ConfigurationError('initialize: allowedTenants: threw an error.', { cause });
    };
    // Nothing but true is a yes.
    const heed = (answer: unknown) => {
      if (answer !== true) throw new InvalidTokenError('tenant');
    };
    let answer: unknown;
    try {
      answer = allows(claims.tid ?? '');
    } catch (cause) {
      return fail(cause);
    }
    if (typeof answer === 'boolean') {
      heed(answer);
      return undefined;
    }
    return Promise.resolve(answer).then(heed, fail);
  }

  #chooseVerifier(requirement: Requirement): Verifier {
    const scheme = schemeFor(requirement, this.settings);
    const verifier = this.#verifiers.get(scheme);
    if (verifier === undefined) throw new Error(`The scheme ${scheme} is configured and has no verifier.`);
    return verifier;
  }
}

/** Settings, ready to check requests. */
export function identityOf(settings: Settings): Authenticator {
  return new Identity(settings);
}

/**
 * A configuration ready to check requests.
 *
 * @throws ConfigurationError naming the option that is wrong
 */
export function createIdentity(options: IdentityOptions): Authenticator {
  return identityOf(parseSettings(options));
}
