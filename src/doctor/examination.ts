/** One token, checked against one configuration: each step, and the verdict. */
import { requires, type Requirement, type SchemeDemand } from '../core/access/requirement.js';
import { demandedScopes } from '../core/access/demanded-scopes.js';
import { onlyScheme, schemeFor, schemeOrAny } from '../core/access/scheme.js';
import type { Settings } from '../core/configuration/settings.js';
import {
  AuthError,
  ConfigurationError,
  InvalidTokenError,
  IssuerUnavailableError,
  type Refusal,
} from '../core/errors.js';
import type { SigningKey } from '../core/keys/key-set-document.js';
import { claimedScheme, namesKnownPolicy } from '../core/token/claimed-scheme.js';
import { bearerToken, requestWith } from '../core/token/credential.js';
import { readToken, type SeenToken } from '../core/token/parsed-token.js';
import { seenToken, type SeenCredential } from '../gate/credential-mistake.js';
import { versionRemark } from '../gate/explanation-code.js';
import { hints } from '../gate/explanation-hints.js';
import { explain } from '../gate/explanation.js';
import { authoritiesOf, Publications, type KnownAuthority } from './authorities.js';
import { findAll, stepNames, type Findings, type StepName } from './findings.js';
import { isForeign, judge, probe, reasonOf, Rehearsal, type Probe } from './rehearsal.js';
import { describeStep } from './steps.js';

/** `unknown`: the step could not be checked. */
export type Status = 'pass' | 'fail' | 'unknown';

/** One step of the pipeline. */
export interface Step {
  readonly step: StepName;
  readonly status: Status;
  readonly expected: string;
  readonly found: string;
  /** The name of the mistake, or of a remark on a step that passes. */
  readonly cause?: string;
  /** What to change. */
  readonly remedy?: string;
  /** Why the step could not be checked. */
  readonly because?: string;
}

/** What the library decides. Offline it cannot decide: then whether a step fails. */
export interface Verdict {
  readonly status: Status;
  /** The answer to the caller, if the token does not pass. */
  readonly httpStatus?: number;
  readonly code?: string;
  readonly reason?: string | undefined;
  readonly cause?: string;
  readonly remedy?: string;
}

/** The verdict on a token on one kind of route. */
export interface RouteVerdict extends Verdict {
  /** The decorator of the route. */
  readonly route: string;
}

/** The result for one token. */
export interface Examination {
  readonly seen: SeenToken;
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
  /** Of each kind of route, if the route is not known and both Entra ID and B2C are configured. */
  readonly routes: readonly RouteVerdict[] | undefined;
}

/** How a step ended. */
type Outcome = Refusal | 'pass' | { readonly unknown: string };

const unknown = (why: string): Outcome => ({ unknown: why });
const isRefused = (outcome: Outcome | undefined): outcome is Refusal => outcome instanceof Error;

function credentialOutcome(token: string): Outcome {
  try {
    bearerToken(requestWith(token));
    return 'pass';
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

interface KeyLookup {
  readonly outcome: Outcome;
  readonly found: string;
  readonly key?: SigningKey;
}

/** Looks for the key that a token names. */
async function lookUp(publications: Publications, authority: KnownAuthority, kid: unknown): Promise<KeyLookup> {
  if (typeof kid !== 'string') return { outcome: unknown('the token has no kid'), found: 'no kid' };
  const issuerKeys = publications.issuerKeysOf(authority);
  try {
    await issuerKeys.ready();
    const [key] = (await issuerKeys.find(kid))?.keys ?? [];
    return key === undefined
      ? { outcome: new InvalidTokenError('key'), found: 'no such key' }
      : { outcome: 'pass', found: 'it is one of them', key };
  } catch (error) {
    if (error instanceof IssuerUnavailableError) return { outcome: error, found: error.message };
    throw error;
  }
}

function signatureOutcome(header: Outcome, key: Outcome, decision: Refusal | undefined): Outcome {
  if (header !== 'pass') return unknown('the token cannot be parsed');
  if (key !== 'pass') return unknown('there is no key');
  if (decision instanceof IssuerUnavailableError) return unknown('the issuer could not be reached');
  return decision !== undefined && reasonOf(decision) === 'signature' ? decision : 'pass';
}

const foundOf = (outcome: Outcome) => {
  if (outcome === 'pass') return 'it verifies';
  return isRefused(outcome) ? 'it does not verify' : outcome.unknown;
};

/** How a step on claims ended, from the findings on all of them. */
function claimOutcome(step: StepName, { refusals, end }: Findings, { entra }: Settings): Outcome {
  const refusal = refusals.get(step);
  if (refusal !== undefined) return refusal;
  if (step === 'tenant' && refusals.has('issuer')) return unknown('the token is from another issuer');
  if (end === undefined) return 'pass';
  const isAskedLast = step === 'tenant' && typeof entra?.allowedTenants === 'function';
  const isBehind = stepNames.indexOf(step) > stepNames.indexOf('kind');
  if (!isAskedLast && !isBehind) return 'pass';
  return unknown(refusals.has('kind') ? 'the token is no access token of an API' : end.message);
}

/** The steps for a token: those of its kind, and those of the requirement of the route. */
function stepsFor(
  kind: KnownAuthority['kind'],
  findings: Findings | undefined,
  { demands }: Requirement,
  { claimCheck }: Settings,
): readonly StepName[] {
  const asked = demands.map((demand) => demand.kind);
  return stepNames.filter((step) => {
    if (step === 'policy') return kind === 'b2c';
    if (step === 'tenant') return kind === 'entra' || findings?.refusals.has('tenant') === true;
    if (step === 'role') return asked.includes('role');
    if (step === 'check') return claimCheck !== undefined;
    return step !== 'scope' || asked.includes('scope') || demands.length === 0;
  });
}

function verdictOf(refusal: Refusal | undefined, question: Question): Verdict {
  const { token, settings, requirement, offline } = question;
  if (refusal === undefined) return { status: offline ? 'unknown' : 'pass' };
  const scheme = schemeOrAny(requirement, settings);
  const { status, error, reason, code, hint } = explain(refusal, seenToken(token), settings, {
    scheme,
    scopes: demandedScopes(requirement),
  });
  return { status: 'fail', httpStatus: status, code: error, reason, cause: code, remedy: hint };
}

/** The outcomes of the first steps, and all that the later steps use. */
interface Evidence {
  readonly seen: SeenCredential;
  readonly credential: Outcome;
  readonly header: Outcome;
  readonly key: KeyLookup;
  /** The refusal of an issuer or a policy that is not configured. It comes before all others on key and claims. */
  readonly foreign: Refusal | undefined;
  readonly signature: Outcome;
  /** Undefined if the claims cannot be read. */
  readonly findings: Findings | undefined;
  readonly kind: KnownAuthority['kind'];
  readonly metadataUrl: string | undefined;
  readonly issuer: string | undefined;
}

/** A token, and what it is checked against. */
export interface Question {
  readonly token: string;
  readonly settings: Settings;
  /** The requirement of the route. */
  readonly requirement: Requirement;
  /** Whether no request may be sent to the issuer. */
  readonly offline: boolean;
}

/** The refusal of each token on a route that does not fit the settings. */
function routeRefusal({ requirement, settings }: Question): Refusal | undefined {
  try {
    schemeFor(requirement, settings);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
}

/**
 * The requirement that the steps are examined with. A route that takes tokens of either scheme, or that does not fit the
 * settings, is taken for one of the scheme that the token seems to be of.
 */
function requirementOfSteps(question: Question): Requirement {
  const { token, requirement, settings } = question;
  const isOfOneScheme = requirement.scheme !== undefined && requirement.scheme.kind !== 'any';
  if (isOfOneScheme && routeRefusal(question) === undefined) return requirement;
  const claims = readToken(token).payload ?? {};
  const ofToken = namesKnownPolicy(claims, settings) ? 'b2c' : claimedScheme(claims, settings);
  return { ...requirement, scheme: { kind: onlyScheme(settings) ?? ofToken } };
}

async function gather(question: Question, decision: Refusal | undefined): Promise<Evidence> {
  const { token, settings, requirement, offline } = question;
  const seen = seenToken(token);
  const credential = credentialOutcome(token);
  const claims = credential === 'pass' ? seen.payload : undefined;
  const authorities = authoritiesOf(settings);
  const publications = new Publications(settings, seen.payload ?? {}, offline);
  const rehearsal = await Rehearsal.create({ authorities, issuerOf: (authority) => publications.issuerOf(authority) });

  const form = await probe(token, settings, requirement);
  const source = claims === undefined ? form : await rehearsal.probe({ claims, settings, requirement });
  const authority = 'metadataUrl' in source ? authorities.get(source.metadataUrl) : undefined;
  // Only a token that names no configured B2C policy can be read and has no authority.
  const isB2c = claims !== undefined || settings.entra === undefined;
  const kind = authority?.kind ?? (isB2c ? 'b2c' : 'entra');
  const rightIssuerAt = async (metadataUrl: string | undefined) => {
    const known = authorities.get(metadataUrl ?? '');
    if (known === undefined) return { kind, issuer: undefined };
    return { kind: known.kind, issuer: (await publications.issuerOf(known)).issuer };
  };

  const header = headerOutcome(credential, form);
  const foreign = isForeign(decision) ? decision : refusalBeforeKey(form);
  const key = await keyLookup(question, foreign ? undefined : authority, publications, seen.header?.['kid']);
  const bindings = key.key ?? {};
  return {
    seen,
    credential,
    header,
    key,
    foreign,
    signature: offline ? unknown('not checked (--offline)') : signatureOutcome(header, key.outcome, decision),
    findings: claims && (await findAll(rehearsal, { claims, settings, requirement, bindings }, rightIssuerAt)),
    kind,
    metadataUrl: authority?.metadataUrl,
    issuer: (await rightIssuerAt(authority?.metadataUrl)).issuer,
  };
}

function headerOutcome(credential: Outcome, form: Probe): Outcome {
  if (credential !== 'pass') return unknown('the token is not parsed');
  // The library checks policy and issuer before it looks for a key. Here each is a separate step.
  if ('metadataUrl' in form || refusalBeforeKey(form) !== undefined) return 'pass';
  return form.refusal;
}

/** The refusal of a token that can be parsed, and for which no key is looked for. */
function refusalBeforeKey(form: Probe): Refusal | undefined {
  if ('metadataUrl' in form) return undefined;
  return isForeign(form.refusal) || reasonOf(form.refusal) === 'policy' ? form.refusal : undefined;
}

async function keyLookup(
  { offline }: Question,
  authority: KnownAuthority | undefined,
  publications: Publications,
  kid: unknown,
): Promise<KeyLookup> {
  if (authority !== undefined && !offline) return lookUp(publications, authority, kid);
  const found = offline ? 'not requested (--offline)' : 'the token names no known issuer';
  return { outcome: unknown(found), found };
}

function outcomeOf(step: StepName, evidence: Evidence, settings: Settings): Outcome {
  const { findings } = evidence;
  switch (step) {
    case 'credential':
    case 'header':
    case 'signature':
      return evidence[step];
    case 'key':
      return findings?.refusals.get('key') ?? evidence.key.outcome;
    default:
      return findings === undefined ? unknown('the claims cannot be read') : claimOutcome(step, findings, settings);
  }
}

/** A remark on a step that passes. The manifest of this API does not set the version of tokens for another API. */
function remarkOn(step: StepName, { seen, findings }: Evidence, settings: Settings): Pick<Step, 'cause' | 'remedy'> {
  if (step !== 'issuer' || findings?.refusals.has('audience') === true) return {};
  const remark = versionRemark(seen, settings);
  return remark === undefined ? {} : { cause: remark, remedy: hints[remark] };
}

function conclude(step: StepName, outcome: Outcome, evidence: Evidence, question: Question): Step {
  const { settings, requirement } = question;
  const isBound = evidence.findings?.refusals.has('key') === true;
  const words = describeStep(step, {
    ...question,
    ...evidence,
    key: isBound ? 'it is one of them, and is published for another issuer or cloud' : evidence.key.found,
    signature: foundOf(evidence.signature),
  });
  if (outcome === 'pass') return { step, status: 'pass', ...words, ...remarkOn(step, evidence, settings) };
  if (!isRefused(outcome)) return { step, status: 'unknown', ...words, because: outcome.unknown };
  const scheme = schemeOrAny(requirement, settings);
  const { code, hint } = explain(outcome, evidence.seen, settings, { scheme, scopes: demandedScopes(requirement) });
  return { step, status: 'fail', ...words, cause: code, remedy: hint };
}

/** A token, step by step, and the refusal of the first step that fails. */
async function examineSteps(question: Question) {
  const { token, settings, offline } = question;
  const requirement = requirementOfSteps(question);
  const decision = offline ? undefined : await judge(settings, token, requirement);
  const evidence = await gather({ ...question, requirement }, decision);
  const outcomes = stepsFor(evidence.kind, evidence.findings, requirement, settings).map(
    (step) => [step, outcomeOf(step, evidence, settings)] as const,
  );
  const refused = evidence.foreign ?? outcomes.map(([, outcome]) => outcome).find(isRefused);
  return {
    steps: outcomes.map(([step, outcome]) => conclude(step, outcome, evidence, { ...question, requirement })),
    refused: routeRefusal(question) ?? refused,
  };
}

/** Each kind of route, if the settings have two schemes and the route is not known. */
const kindsOfRoutes: readonly (readonly [route: string, scheme: SchemeDemand | undefined])[] = [
  ['@RequiresAuth()', requires.entra().scheme],
  ['@RequiresB2cAuth()', requires.b2c().scheme],
  ['@RequiresAnyAuth()', requires.any().scheme],
  ['no scheme', undefined],
];

async function decide(question: Question): Promise<Verdict> {
  const { token, settings, requirement, offline } = question;
  const refusal = offline ? (await examineSteps(question)).refused : await judge(settings, token, requirement);
  return verdictOf(refusal, question);
}

/** Checks a token on each kind of route. */
async function examineRoutes(question: Question): Promise<readonly RouteVerdict[]> {
  const { requirement } = question;
  return Promise.all(
    kindsOfRoutes.map(async ([route, scheme]) => ({
      route,
      ...(await decide({ ...question, requirement: { ...requirement, scheme } })),
    })),
  );
}

/**
 * Checks a token step by step, and takes the verdict from the library.
 *
 * @param asked.requirement - without a scheme the route is not known. If both Entra ID and B2C are configured, the verdict
 *   is the one on a route that takes tokens of either, and there is one on each kind of route
 */
export async function examine(asked: Question): Promise<Examination> {
  const { token, settings, requirement } = asked;
  const isKnown = requirement.scheme !== undefined || onlyScheme(settings) !== undefined;
  const question = isKnown ? asked : { ...asked, requirement: { ...requirement, scheme: requires.any().scheme } };
  const { steps, refused } = await examineSteps(question);
  return {
    seen: readToken(token),
    steps,
    verdict: question.offline ? verdictOf(refused, question) : await decide(question),
    routes: isKnown ? undefined : await examineRoutes(asked),
  };
}
