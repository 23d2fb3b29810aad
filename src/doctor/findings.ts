/** All mistakes in a token's claims: the library checks them, the mistake it finds is repaired, and it checks again. */
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import type { Refusal } from '../core/errors.js';
import { hasRegisteredClaims } from '../core/token/claims.js';
import { filled } from './authorities.js';
import { reasonOf, type Attempt, type Rehearsal } from './rehearsal.js';

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
  'check',
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
  check: 'check',
};

const soundClaims: UnverifiedClaims = { iss: 'https://issuer', aud: 'audience', exp: 1 };
const registeredClaims = ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'jti'];

/** The registered claims that are missing or of the wrong type. */
export function unsoundClaims(claims: UnverifiedClaims): readonly string[] {
  return registeredClaims.filter((name) =>
    name in claims ? !hasRegisteredClaims({ ...soundClaims, [name]: claims[name] }) : name in soundClaims,
  );
}

function without(claims: UnverifiedClaims, isUnwanted: (name: string) => boolean): UnverifiedClaims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !isUnwanted(name)));
}

const lifetimeSeconds = 3600;

/** The issuer that the token should come from. */
export interface RightIssuer {
  readonly kind: Scheme;
  /** The issuer in the metadata. Undefined if the token names no policy, which selects the metadata. */
  readonly issuer: string | undefined;
}

/** Repairs the issuer, and the tenant, which is a part of it. */
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

const withoutDaemons = (b2c: Settings['b2c']) => b2c && { ...b2c, daemonClients: undefined };

/** The attempt with the mistake of one step repaired; undefined if no later step can be checked. */
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
      return { ...attempt, claims: { ...claims, tfp: (requirement.scheme?.policies ?? settings.b2c?.policies)?.[0] } };
    case 'client':
      return { ...attempt, settings: { ...settings, allowedClients: undefined, b2c: withoutDaemons(settings.b2c) } };
    case 'scope':
    case 'role':
      return withoutDemand(step);
    case 'check':
      return { ...attempt, settings: { ...settings, claimCheck: undefined } };
    default:
      // A token that is no access token has no client, scope or role to check.
      return undefined;
  }
}

/** The refusals by step, and where the checks ended. */
export interface Findings {
  readonly refusals: ReadonlyMap<StepName, Refusal>;
  /** The last refusal, if it could not be repaired. */
  readonly end: Refusal | undefined;
}

/**
 * Finds all mistakes in claims.
 *
 * @param rightIssuerAt - the issuer in the metadata at a URL; the URL is undefined if the token names no policy
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
    // The repair did not help: the mistake is unknown here.
    if (step === undefined || refusals.has(step)) return { refusals, end: refusal };
    refusals.set(step, refusal);
    const source = await rehearsal.probe(attempt);
    const repaired = repair(
      step,
      attempt,
      await rightIssuerAt('metadataUrl' in source ? source.metadataUrl : undefined),
    );
    if (repaired === undefined) return { refusals, end: refusal };
    attempt = repaired;
  }
}
