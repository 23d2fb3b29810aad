/** One configuration at work: its settings, its verifiers, and which of them a requirement needs. */
import type { AccessTokenClaims } from './access-token-claims.js';
import { publishPassed, publishRefused } from './access/decision-events.js';
import { checkFurtherRequirement } from './access/requirement-checks.js';
import type { Authenticator, Caller, Requirement, SchemeDemand } from './access/requirement.js';
import { schemeFor } from './access/scheme.js';
import { isThenable, whenSettled } from './awaited.js';
import { requestChannel } from './channels.js';
import type { IdentityOptions } from './configuration/options.js';
import { parseSettings } from './configuration/parse-settings.js';
import type { Settings } from './configuration/settings.js';
import { publishResource, type PublishedResource, type ResourceMetadata } from './issuers/resource-metadata.js';
import { loadMsalNode } from './msal-node.js';
import { checkRequest, verifyToken } from './pipeline.js';
import { B2cIssuers } from './token/b2c-issuers.js';
import type { RequestHeaders } from './token/credential.js';
import { EitherVerifier } from './token/either-verifier.js';
import { EntraIssuers } from './token/entra-issuers.js';
import { KnownHeaders, parseToken } from './token/parsed-token.js';
import { SignatureThread } from './token/signature-thread.js';
import type { TrustedIssuers } from './token/trusted-issuers.js';
import type { Verification } from './token/verified-token.js';
import { CachingVerifier, type Verifier } from './token/verifier.js';

/** A verifier for each scheme that is configured, and one for either scheme if both are configured. */
function createVerifiers(
  entra: EntraIssuers | undefined,
  b2c: B2cIssuers | undefined,
  settings: Settings,
): ReadonlyMap<SchemeDemand['kind'], Verifier> {
  const knownHeaders = new KnownHeaders();
  const thread = new SignatureThread();
  const verifierOf = (issuers: TrustedIssuers) =>
    new CachingVerifier((text) => verifyToken(text, issuers, knownHeaders, thread, settings), settings);
  const verifiers = new Map<SchemeDemand['kind'], Verifier>();
  const entraVerifier = entra && verifierOf(entra);
  const b2cVerifier = b2c && verifierOf(b2c);
  if (entraVerifier !== undefined) verifiers.set('entra', entraVerifier);
  if (b2cVerifier !== undefined) verifiers.set('b2c', b2cVerifier);
  if (entraVerifier !== undefined && b2c !== undefined && b2cVerifier !== undefined) {
    const isForB2c = (text: string) => b2c.recognizes(parseToken(text, knownHeaders).payload);
    verifiers.set('any', new EitherVerifier(entraVerifier, b2cVerifier, isForB2c, settings));
  }
  return verifiers;
}

class Identity implements Authenticator {
  readonly settings: Settings;
  readonly publishedResource: PublishedResource | undefined;
  readonly #issuers: readonly TrustedIssuers[];
  readonly #verifiers: ReadonlyMap<SchemeDemand['kind'], Verifier>;
  readonly #verifierOf = new WeakMap<Requirement, Verifier>();
  /** Made when it is first asked for: Node loads the class then. */
  #closing: AbortController | undefined;
  readonly #checksBeforeReady: (() => void)[] = [];

  constructor(settings: Settings) {
    this.settings = settings;
    const { fetch, now, resourceMetadata } = settings;
    this.publishedResource = resourceMetadata && publishResource(resourceMetadata, settings.entra, settings.b2c);
    const closing = () => this.closing;
    const options = {
      fetch,
      now,
      get closing() {
        return closing();
      },
    };
    const entra = settings.entra && new EntraIssuers(settings.entra, options);
    const b2c = settings.b2c && new B2cIssuers(settings.b2c, options);
    this.#issuers = [entra, b2c].filter((issuers) => issuers !== undefined);
    this.#verifiers = createVerifiers(entra, b2c, settings);
  }

  get closing(): AbortSignal {
    return (this.#closing ??= new AbortController()).signal;
  }

  get resourceMetadata(): ResourceMetadata | undefined {
    return this.publishedResource?.document;
  }

  authenticate(
    request: RequestHeaders,
    requirement: Requirement,
    earlier?: Caller,
    handed?: unknown,
  ): Verification | Promise<Verification> {
    if (!requestChannel.hasSubscribers) return this.#check(request, requirement, earlier, handed);
    return this.#checkAndPublish(request, requirement, earlier, handed);
  }

  authorize(caller: Caller, requirement: Requirement): ReturnType<Authenticator['authorize']> {
    if (requirement.scheme !== undefined) schemeFor(requirement, this.settings);
    const { resolveGroups } = this.settings;
    const lookUpOnce = resolveGroups && ((claims: AccessTokenClaims) => (caller.lookup ??= resolveGroups(claims)));
    return checkFurtherRequirement(requirement, caller, lookUpOnce);
  }

  #check(
    request: RequestHeaders,
    requirement: Requirement,
    earlier: Caller | undefined,
    handed: unknown,
  ): Verification | Promise<Verification> {
    let verifier = this.#verifierOf.get(requirement);
    if (verifier === undefined) this.#verifierOf.set(requirement, (verifier = this.#chooseVerifier(requirement)));
    return checkRequest(request, requirement, verifier, this.settings, earlier, handed);
  }

  /** Apart from `authenticate`, whose closures would cost each request that nobody listens to. */
  #checkAndPublish(
    request: RequestHeaders,
    requirement: Requirement,
    earlier: Caller | undefined,
    handed: unknown,
  ): Verification | Promise<Verification> {
    const decision = { request, requirement, startedAtMs: performance.now() };
    const passed = (verification: Verification) => {
      publishPassed(verification, decision, this.settings);
      return verification;
    };
    const refused = (error: unknown): never => {
      publishRefused(error, decision);
      throw error;
    };
    let verification: Verification | Promise<Verification>;
    try {
      verification = this.#check(request, requirement, earlier, handed);
    } catch (error) {
      return refused(error);
    }
    return isThenable(verification) ? whenSettled(verification, passed, refused) : passed(verification);
  }

  beforeReady(check: () => void): void {
    this.#checksBeforeReady.push(check);
  }

  async ready(): Promise<void> {
    for (const check of this.#checksBeforeReady) check();
    const packages = this.settings.downstream === undefined ? [] : [loadMsalNode()];
    await Promise.all([...packages, ...this.#issuers.map((issuers) => issuers.ready())]);
  }

  close(): void {
    (this.#closing ??= new AbortController()).abort(new Error('The identity was closed.'));
  }

  #chooseVerifier(requirement: Requirement): Verifier {
    const scheme = schemeFor(requirement, this.settings);
    const verifier = this.#verifiers.get(scheme);
    if (verifier === undefined) throw new Error(`The scheme ${scheme} is configured and has no verifier.`);
    return verifier;
  }
}

/** Creates the identity of checked settings. */
export function identityOf(settings: Settings): Authenticator {
  return new Identity(settings);
}

/**
 * Checks options, and creates their identity.
 *
 * @throws ConfigurationError naming the option that is wrong
 */
export function createIdentity(options: IdentityOptions): Authenticator {
  return identityOf(parseSettings(options));
}
