/** One configuration at work: settings, the verifiers they call for, and who may ask which. */
import { bearerToken, type RequestHeaders } from './credential.js';
import { clientOf } from './claims.js';
import { ConfigurationError, InsufficientScopeError } from './errors.js';
import { checkDemands, checkPolicy, type Requirement, type VerifiedToken } from './requirement.js';
import { parseSettings, type Scheme, type Settings } from './settings.js';
import type { IdentityOptions } from './options.js';
import { B2cVerifier, EntraVerifier, type Verifier } from './verifier.js';

/** The configuration in force, as `initialize` returns it. */
export interface MicrosoftIdentity {
  /**
   * Loads OpenID configurations and signing keys ahead of the first request.
   *
   * @throws IssuerUnavailableError with the cause and the options to look at
   */
  ready(): Promise<void>;
  /** Ends downloads that are under way. Tokens can be checked for as long as the keys at hand are good. */
  close(): void;
}

/** What hosts need of the configuration in force. */
export interface Authenticator extends MicrosoftIdentity {
  readonly errors: Settings['errors'];
  /** Lets a request pass, or says why not. Answers without a promise where the token was verified before. */
  authenticate(request: RequestHeaders, requirement: Requirement): VerifiedToken | Promise<VerifiedToken>;
}

class Identity implements Authenticator {
  readonly #settings: Settings;
  readonly #verifiers: ReadonlyMap<Scheme, Verifier>;
  readonly #verifierOf = new WeakMap<Requirement, Verifier>();
  readonly #closing = new AbortController();

  constructor(settings: Settings) {
    this.#settings = settings;
    const { entra, b2c, fetch, now } = settings;
    const options = { fetch, now, closing: this.#closing.signal };
    const verifiers = new Map<Scheme, Verifier>();
    if (entra !== undefined) verifiers.set('entra', new EntraVerifier(entra, settings, options));
    if (b2c !== undefined) verifiers.set('b2c', new B2cVerifier(b2c, settings, options));
    this.#verifiers = verifiers;
  }

  get errors(): Settings['errors'] {
    return this.#settings.errors;
  }

  authenticate(request: RequestHeaders, requirement: Requirement): VerifiedToken | Promise<VerifiedToken> {
    let verifier = this.#verifierOf.get(requirement);
    if (verifier === undefined) this.#verifierOf.set(requirement, (verifier = this.#chooseVerifier(requirement)));
    const token = verifier.verify(bearerToken(request));
    if (token instanceof Promise) return token.then((verified) => this.#authorize(verified, requirement));
    return this.#authorize(token, requirement);
  }

  async ready(): Promise<void> {
    await Promise.all([...this.#verifiers.values()].map((verifier) => verifier.ready()));
  }

  close(): void {
    this.#closing.abort(new Error('The identity was closed.'));
  }

  #authorize(token: VerifiedToken, requirement: Requirement): VerifiedToken {
    checkPolicy(requirement, token);
    const { allowedClients } = this.#settings;
    if (allowedClients !== undefined && !allowedClients.has(clientOf(token.claims) ?? '')) {
      throw new InsufficientScopeError('client');
    }
    checkDemands(requirement, token);
    return token;
  }

  #chooseVerifier({ scheme }: Requirement): Verifier {
    const [only, ...others] = this.#verifiers.values();
    if (scheme === undefined) {
      if (only !== undefined && others.length === 0) return only;
      throw new ConfigurationError(
        'A route asks for a scope or role, and both Entra ID and B2C are configured: add @RequiresAuth() or @RequiresB2cAuth().',
      );
    }
    const verifier = this.#verifiers.get(scheme.kind);
    if (verifier === undefined) {
      throw new ConfigurationError(
        scheme.kind === 'entra'
          ? 'A route bears @RequiresAuth(), and initialize() was given no tenantId and clientId.'
          : 'A route bears @RequiresB2cAuth(), and initialize() was given no b2c.',
      );
    }
    this.#checkPolicies(scheme.policies);
    return verifier;
  }

  #checkPolicies(policies: readonly string[] | undefined): void {
    const configured = this.#settings.b2c?.policies.map((policy) => policy.toLowerCase());
    if (policies?.some((policy) => configured?.includes(policy.toLowerCase()) !== true)) {
      throw new ConfigurationError(
        'A route bears @RequiresB2cAuth() with a policy that is not among b2c.policies of initialize().',
      );
    }
  }
}

/**
 * A configuration ready to check requests.
 *
 * @throws ConfigurationError naming the option that is wrong
 */
export function createIdentity(options: IdentityOptions): Authenticator {
  return new Identity(parseSettings(options));
}
