/** What each step expects and what it finds in the token, in words. */
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import type { Demand, NameDemand, Requirement } from '../core/access/requirement.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import { clientOf, rolesOf, scopesOf } from '../core/token/claims.js';
import { longestToken } from '../core/token/credential.js';
import type { SeenToken } from '../core/token/parsed-token.js';
import { unsoundClaims, type StepName } from './findings.js';
import { either, printable, shown, shownTime } from './values.js';

/** What a step is described from. */
export interface Subject {
  readonly token: string;
  readonly seen: SeenToken;
  readonly settings: Settings;
  readonly requirement: Requirement;
  readonly kind: Scheme;
  /** The URL of the metadata, if it is known. */
  readonly metadataUrl: string | undefined;
  /** The issuer in the metadata, or the most likely one. */
  readonly issuer: string | undefined;
  /** The result for the key, in words. */
  readonly key: string;
  /** The result for the signature, in words. */
  readonly signature: string;
}

interface Words {
  readonly expected: string;
  readonly found: string;
}

const number = new Intl.NumberFormat('en');
const characters = (count: number) => `${number.format(count)} characters`;
const list = (values: readonly string[]) => (values.length === 0 ? 'none' : printable(values.join(', ')));

function headerWords({ seen: { header, payload } }: Subject): string {
  if (header === undefined) return 'a header that cannot be read';
  const { alg, typ, kid } = header;
  const extensions = ['crit', 'b64'].filter((name) => header[name] !== undefined);
  return [
    `alg ${shown(alg)}, typ ${shown(typ)}, kid ${shown(kid)}`,
    ...extensions.map((name) => `and ${name}`),
    ...(payload === undefined ? ['and claims that cannot be read'] : []),
  ].join(', ');
}

function claimWords(claims: UnverifiedClaims): string {
  const unsound = unsoundClaims(claims);
  if (unsound.length === 0) return 'as expected';
  return unsound.map((name) => (name in claims ? `${name} has the wrong type` : `${name} is missing`)).join(', ');
}

function timeWords(claims: UnverifiedClaims, nowMs: number): string {
  const times = ['exp', 'nbf', 'iat'].filter((name) => claims[name] !== undefined);
  return times.length === 0 ? 'none' : times.map((name) => `${name} ${shownTime(claims[name], nowMs)}`).join(', ');
}

function tenantExpected({ entra }: Settings): string {
  const allowed = entra?.allowedTenants;
  if (allowed === undefined) return 'tid is the tenant in iss';
  if (allowed === '*') return 'tid is the tenant in iss; every tenant is allowed';
  if (typeof allowed === 'function')
    return 'tid is the tenant in iss, and the function allowedTenants returns true for it';
  return `tid is the tenant in iss, and is ${either([...allowed])}`;
}

/** The claims that distinguish access tokens of people, access tokens of applications, and ID tokens. */
function kindWords(claims: UnverifiedClaims): string {
  const told = ['at_hash', 'c_hash', 'nonce'].filter((name) => claims[name] !== undefined);
  return [
    `client ${shown(clientOf(claims))}`,
    `scp ${shown(claims['scp'])}`,
    `roles ${list(rolesOf(claims))}`,
    ...(claims['idtyp'] === undefined ? [] : [`idtyp ${shown(claims['idtyp'])}`]),
    ...told,
  ].join(', ');
}

const isNameDemand = (demand: Demand): demand is NameDemand => 'anyOf' in demand;

const namesDemanded = (kind: 'scope' | 'role', { demands }: Requirement) =>
  demands.filter(isNameDemand).find((demand) => demand.kind === kind)?.anyOf;

function demandExpected(kind: 'scope' | 'role', requirement: Requirement): string {
  const names = namesDemanded(kind, requirement);
  if (names === undefined) return 'none: neither --scope nor --role is given';
  return kind === 'scope'
    ? `${either(names)}, in scp of a person or in roles of an application`
    : `${either(names)}, in roles`;
}

/** A remark where none of the names is held, and one is in other letter case. */
function caseWords(names: readonly string[] = [], held: readonly string[]): string {
  const inAnyCase = new Set(names.map((name) => name.toLowerCase()));
  const isHeld = names.some((name) => held.includes(name));
  const [near] = isHeld ? [] : held.filter((name) => inAnyCase.has(name.toLowerCase()));
  return near === undefined ? '' : `; only the letter case of ${printable(near)} differs`;
}

function clientExpected({ allowedClients, b2c }: Settings, kind: Subject['kind']): string {
  const allowed = allowedClients === undefined ? 'any' : either([...allowedClients]);
  return kind === 'b2c' && b2c?.daemonClients !== undefined
    ? `${allowed}; for a client of b2c.daemonClients, no token of a person`
    : allowed;
}

/** What a step expects, and what it found. */
export function describeStep(step: StepName, subject: Subject): Words {
  const { token, seen, settings, requirement, kind, metadataUrl, issuer } = subject;
  const claims = seen.payload ?? {};
  const nowMs = settings.now();
  const registration = kind === 'b2c' ? settings.b2c : settings.entra;
  switch (step) {
    case 'credential':
      return { expected: `one token of at most ${characters(longestToken)}`, found: characters(token.length) };
    case 'header':
      return {
        expected: 'three parts; alg RS256; typ JWT, at+jwt or none; a kid; neither crit nor b64; no duplicate member',
        found: headerWords(subject),
      };
    case 'key':
      return { expected: `the kid among the keys of ${metadataUrl ?? 'the issuer'}`, found: subject.key };
    case 'signature':
      return { expected: 'it verifies with that key', found: subject.signature };
    case 'claims':
      return { expected: 'iss, aud and exp; all registered claims have the right type', found: claimWords(claims) };
    case 'times':
      return {
        expected: `exp after, nbf and iat not after ${new Date(nowMs).toISOString()} with a tolerance of ${String(settings.clockToleranceSeconds)} seconds`,
        found: timeWords(claims, nowMs),
      };
    case 'audience':
      return { expected: either(registration?.audiences ?? []), found: shown(claims['aud']) };
    case 'issuer':
      return { expected: issuer ?? 'the issuer of a configured policy', found: shown(claims['iss']) };
    case 'tenant':
      return { expected: tenantExpected(settings), found: shown(claims['tid']) };
    case 'policy':
      return {
        expected: either(requirement.scheme?.policies ?? settings.b2c?.policies ?? []),
        found: `tfp ${shown(claims['tfp'])}, acr ${shown(claims['acr'])}`,
      };
    case 'kind':
      return {
        expected: 'an access token: a client, and scp of a person or roles of an application',
        found: kindWords(claims),
      };
    case 'client':
      return {
        expected: clientExpected(settings, kind),
        found: shown(clientOf(claims)),
      };
    case 'check':
      return {
        expected: 'claimCheck of initialize() returns true',
        found: 'it is asked with the claims, and with a request that has no more than the token',
      };
    case 'scope':
    case 'role': {
      const [scopes, roles] = [scopesOf(claims), rolesOf(claims)];
      const nearly = caseWords(namesDemanded(step, requirement), step === 'scope' ? scopes : roles);
      const found = `scp ${list(scopes)}; roles ${list(roles)}${nearly}`;
      return {
        expected: demandExpected(step, requirement),
        found: requirement.demands.length === 0 ? `${found}; not compared: neither --scope nor --role is given` : found,
      };
    }
  }
}
