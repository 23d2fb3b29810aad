/** Does a person, a guest or an application call? Entra ID and B2C tell it by different claims. */
import type { AccessTokenClaims, UnverifiedClaims } from '../access-token-claims.js';
import type { B2cSettings, Scheme, Settings } from '../configuration/settings.js';
import { isB2cIssuer, tenantOfIssuer } from '../issuers/issuer.js';
import { isTokenService } from '../microsoft-hosts.js';
import { processWide } from '../process-wide.js';
import { parseUrl } from '../url.js';
import { clientOf, isNoScope, rolesOf, scopesOf } from './claims.js';

/**
 * Who calls: an application on its own behalf, a person through an application, one of the two without a sign which, or
 * neither.
 */
export type CallerKind = 'app' | 'user' | 'app or user' | 'neither';

/** How `sub` starts if an application signed in with a federated credential. A person's `sub` is base64url or a GUID. */
const federatedSubject = '/eid1/';

/**
 * Whether `oid` and `sub` are those of a person. For an application the two are equal. A person's `sub` differs from
 * API to API, or, in B2C, may be a sentence.
 */
export function hasPersonsSubject({ oid, sub }: UnverifiedClaims): boolean {
  if (oid === undefined || sub === undefined || oid === sub) return false;
  return typeof sub !== 'string' || !sub.startsWith(federatedSubject);
}

function named({ idtyp }: UnverifiedClaims): CallerKind {
  return idtyp === 'app' || idtyp === 'user' ? idtyp : 'neither';
}

/**
 * Who calls with a token of Entra ID. If the token has `idtyp`, that decides. Otherwise a token without a scope is an
 * application's, unless `oid` and `sub` are there and differ: then it is a person's.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference Access token claims reference}
 */
export function entraCaller(claims: UnverifiedClaims): CallerKind {
  if (claims['idtyp'] !== undefined) return named(claims);
  return isNoScope(claims['scp']) && !hasPersonsSubject(claims) ? 'app' : 'user';
}

/** The claims that B2C gives for a person who signed in, and for no application. */
const claimsOfPeople = [
  'nonce',
  'auth_time',
  'idp',
  'emails',
  'email',
  'name',
  'given_name',
  'family_name',
  'preferred_username',
  'upn',
  'unique_name',
];

type DaemonClients = B2cSettings['daemonClients'];

const isListed = (claims: UnverifiedClaims, daemonClients: DaemonClients) =>
  daemonClients?.has(clientOf(claims) ?? '') === true;

/**
 * Who calls with a token of B2C. An application gets its permissions in `scp`, as a person gets scopes, and for a person
 * `oid` and `sub` are equal. So the client alone tells, if its kind is configured.
 *
 * @param daemonClients - the clients that call on their own behalf alone. Undefined: it is not known which do
 * @see {@link https://learn.microsoft.com/azure/active-directory-b2c/client-credentials-grant-flow Client credentials in B2C}
 */
export function b2cCaller(claims: UnverifiedClaims, daemonClients: DaemonClients): CallerKind {
  if (isListed(claims, daemonClients)) {
    const isOfPerson = hasPersonsSubject(claims) || claimsOfPeople.some((name) => claims[name] !== undefined);
    return isOfPerson || (claims['idtyp'] ?? 'app') !== 'app' ? 'neither' : 'app';
  }
  if (claims['idtyp'] !== undefined) return named(claims);
  return daemonClients === undefined ? 'app or user' : 'user';
}

/** Whether a token that B2C issued to a client of the list is not an application's. */
export function isContradicted(
  claims: UnverifiedClaims,
  callerKind: CallerKind,
  daemonClients: DaemonClients,
): boolean {
  return callerKind !== 'app' && isListed(claims, daemonClients);
}

/** Which authority claims come from, by their form. Of a verified token this is known without it. */
function schemeBy({ iss, tfp }: UnverifiedClaims): Scheme {
  return (iss === undefined ? tfp !== undefined : isB2cIssuer(iss)) ? 'b2c' : 'entra';
}

/** Who calls with a token of an authority. */
export function callerKindOf(
  claims: UnverifiedClaims,
  { b2c }: Pick<Settings, 'b2c'>,
  scheme: Scheme = schemeBy(claims),
): CallerKind {
  return scheme === 'b2c' ? b2cCaller(claims, b2c?.daemonClients) : entraCaller(claims);
}

// Claims of Entra ID tell it themselves. Those of B2C were verified with a configuration that may name daemons.
const b2cCallers = processWide('b2c-callers', () => new WeakMap<object, CallerKind>());

/** Remembers who calls with a verified token of B2C, for those who have its claims alone. */
export function rememberB2cCaller(claims: AccessTokenClaims, callerKind: CallerKind): void {
  b2cCallers.set(claims, callerKind);
}

/** Who calls with these claims. Of a copy of claims, and of those that a test gave, no configuration is known. */
export function callerKindBy(claims: AccessTokenClaims): CallerKind {
  return b2cCallers.get(claims) ?? callerKindOf(claims, { b2c: undefined });
}

/** Whether it has to be taken that a person calls: nothing says that it is an application. */
export const mayBeUser = (callerKind: CallerKind) => callerKind === 'user' || callerKind === 'app or user';

/** The claims of a caller, and who it is. */
export interface KnownCaller {
  readonly claims: AccessTokenClaims;
  readonly callerKind: CallerKind;
}

/**
 * The roles of a caller. B2C puts the application permissions of an application into `scp`, which Entra ID never does.
 *
 * @param scheme - of the authority that issued the token
 */
export function heldRoles({ claims, callerKind }: KnownCaller, scheme: Scheme = schemeBy(claims)): readonly string[] {
  const roles = rolesOf(claims);
  return scheme === 'b2c' && callerKind === 'app' ? [...scopesOf(claims), ...roles] : roles;
}

/** Whether a person who is a guest in the tenant calls. An application is never a guest. */
export function isGuest({ claims, callerKind }: KnownCaller, scheme: Scheme): boolean {
  if (callerKind === 'app') return false;
  const { acct, idp } = claims as { readonly acct?: unknown; readonly idp?: unknown };
  if (acct !== undefined) return acct !== 0 && acct !== '0';
  // In B2C, idp is where an account of this tenant signs in, such as google.com or LocalAccount.
  if (scheme === 'b2c' || idp === undefined || idp === claims.iss) return false;
  // In a v2.0 token, idp may name the home tenant by its v1.0 issuer.
  return (
    typeof idp !== 'string' ||
    claims.tid === undefined ||
    !isTokenService(parseUrl(idp)?.host) ||
    tenantOfIssuer(idp) !== claims.tid
  );
}
