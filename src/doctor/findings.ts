/** All that is wrong with a token's claims: the library is asked, what it found is put right, and it is asked again. */
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import type { Refusal } from '../core/errors.js';
import { hasRegisteredClaims } from '../core/token/claims.js';
import { filled } from './authorities.js';
import { probe, type Attempt, type Rehearsal } from './rehearsal.js';

/** The steps of the pipeline, in its order. */
export const stepNames = [
  'credential',
  'header',
  'key',
  'signature',
  'claims',
  'times',
  'audience',
  'issuer',
  'tenant',
  'policy',
  'kind',
  'client',
  'scope',
  'role',
] as const;

export type StepName = (typeof stepNames)[number];

const stepOfReason: Readonly<Record<string, StepName>> = {
  malformed: 'claims',
  key: 'key',
  expired: 'times',
  not_yet_valid: 'times',
  issuer: 'issuer',
  audience: 'audience',
  tenant: 'tenant',
  policy: 'policy',
  token_type: 'kind',
  client: 'client',
  scope: 'scope',
  role: 'role',
};

/** The rule that a refusal names. */
export const reasonOf = (refusal: Refusal) => (refusal as { readonly reason?: string }).reason;

const soundClaims: UnverifiedClaims = { iss: 'https://issuer', aud: 'audience', exp: 1 };
const registeredClaims = ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'jti'];

/** The registered claims that are not there, or not of their type. */
export function unsoundClaims(claims: UnverifiedClaims): readonly string[] {
  return registeredClaims.filter((name) =>
    name in claims ? !hasRegisteredClaims({ ...soundClaims, [name]: claims[name] }) : name in soundClaims,
  );
}

function without(claims: UnverifiedClaims, isUnwanted: (name: string) => boolean): UnverifiedClaims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !isUnwanted(name)));
}

const lifetimeSeconds = 3600;

/** Who ought to have issued the token. */
export interface RightIssuer {
  readonly kind: Scheme;
  /** The issuer that the metadata names, or would; there is none where no policy tells which metadata. */
  readonly issuer: string | undefined;
}

/** Puts the issuer right, and with it the tenant: one stands in the other. */
function withIssuer({ claims, settings, ...rest }: Attempt, { kind, issuer = '' }: RightIssuer): Attempt {
  const { iss, tid } = filled(issuer);
  const others = without(claims, (name) => name.toLowerCase() === 'tid');
  const lenient: Settings =
    settings.entra?.allowedTenants === undefined
      ? settings
      : { ...settings, entra: { ...settings.entra, allowedTenants: '*' } };
  return { ...rest, claims: { ...others, iss, ...(kind === 'entra' && { tid }) }, settings: lenient };
}

function withSoundClaims(attempt: Attempt, right: RightIssuer): Attempt {
  const { claims, settings } = attempt;
  const unsound = unsoundClaims(claims);
  const others = without(claims, (name) => unsound.includes(name));
  const sound = {
    ...(unsound.includes('exp') && { exp: Math.floor(settings.now() / 1000) + lifetimeSeconds }),
    ...(unsound.includes('aud') && { aud: audienceOf(settings, right) }),
  };
  const repaired = { ...attempt, claims: { ...others, ...sound } };
  return unsound.includes('iss') ? withIssuer(repaired, right) : repaired;
}

const audienceOf = ({ entra, b2c }: Settings, { kind }: RightIssuer) => (kind === 'b2c' ? b2c : entra)?.audiences[0];

/** The attempt with the mistake of one step put right; undefined where nothing can be said beyond that mistake. */
function repair(step: StepName, attempt: Attempt, right: RightIssuer): Attempt | undefined {
  const { claims, settings, requirement } = attempt;
  const withoutDemand = (kind: string): Attempt => ({
    ...attempt,
    requirement: { ...requirement, demands: requirement.demands.filter((demand) => demand.kind !== kind) },
  });
  switch (step) {
    case 'claims':
      return withSoundClaims(attempt, right);
    case 'key':
      return { ...attempt, bindings: {} };
    case 'times': {
      const exp = Math.floor(settings.now() / 1000) + lifetimeSeconds;
      return { ...attempt, claims: { ...without(claims, (name) => name === 'nbf' || name === 'iat'), exp } };
    }
    case 'audience':
      return { ...attempt, claims: { ...claims, aud: audienceOf(settings, right) } };
    case 'issuer':
    case 'tenant':
      return withIssuer(attempt, right);
    case 'policy':
      return { ...attempt, claims: { ...claims, tfp: settings.b2c?.policies[0] } };
    case 'client':
      return { ...attempt, settings: { ...settings, allowedClients: undefined } };
    case 'scope':
    case 'role':
      return withoutDemand(step);
    default:
      // What is no access token has no client, scope or role to speak of.
      return undefined;
  }
}

/** What was found: the refusals by step, and from where on nothing could be told. */
export interface Findings {
  readonly refusals: ReadonlyMap<StepName, Refusal>;
  /** The last refusal, where there was no way on from it. */
  readonly end: Refusal | undefined;
}

/**
 * Finds all that is wrong with claims.
 *
 * @param rightIssuerAt - who publishes the OpenID configuration at a URL; undefined where the token names no policy
 */
export async function findAll(
  rehearsal: Rehearsal,
  first: Attempt,
  rightIssuerAt: (metadataUrl: string | undefined) => Promise<RightIssuer>,
): Promise<Findings> {
  const refusals = new Map<StepName, Refusal>();
  let attempt = first;
  for (;;) {
    const refusal = await rehearsal.judge(attempt);
    if (refusal === undefined) return { refusals, end: undefined };
    const step = stepOfReason[reasonOf(refusal) ?? ''];
    // A mistake that stays when it was put right is one that is not understood here.
    if (step === undefined || refusals.has(step)) return { refusals, end: refusal };
    refusals.set(step, refusal);
    const source = await probe(await rehearsal.sign(attempt.claims), attempt.settings, attempt.requirement);
    const repaired = repair(
      step,
      attempt,
      await rightIssuerAt('metadataUrl' in source ? source.metadataUrl : undefined),
    );
    if (repaired === undefined) return { refusals, end: refusal };
    attempt = repaired;
  }
}
