/** Of which scheme do the claims of a token seem to be? Pure functions. Explains a refusal, and decides nothing. */
import type { UnverifiedClaims } from '../access-token-claims.js';
import type { Scheme, Settings } from '../configuration/settings.js';
import { b2cAuthority, entraAuthority } from '../issuers/authority.js';
import { tenantOfIssuer, tokenVersionOf } from '../issuers/issuer.js';
import { isB2cHost, isExternalIdHost, isTokenService } from '../microsoft-hosts.js';
import { parseUrl } from '../url.js';
import { namedPolicy, ofPolicy } from './b2c-policy.js';

// The authentication context class of a v1.0 token of Entra ID, which is in acr too.
const authenticationContextClasses: readonly unknown[] = ['0', '1'];

/** The B2C policy that a token seems to name; undefined if it names none. */
export function claimedPolicy(claims: UnverifiedClaims): unknown {
  const named = namedPolicy(claims);
  return authenticationContextClasses.includes(named) ? undefined : named;
}

/** Whether a token names a policy that is configured. */
export function namesKnownPolicy(claims: UnverifiedClaims, { b2c }: Pick<Settings, 'b2c'>): boolean {
  const policies = new Map(b2c?.policies.map((policy) => [policy.toLowerCase(), policy]));
  return ofPolicy(claims, policies) !== undefined;
}

function mayBeOfB2c(issuer: string, { entra, b2c }: Pick<Settings, 'entra' | 'b2c'>): boolean {
  const [policy, instance] = [b2c?.policies[0], b2c?.instances[0]];
  if (b2c === undefined || policy === undefined || instance === undefined) return false;
  const isOfEntra = entra !== undefined && entraAuthority(entra, 'v2').mayIssueAs(issuer);
  return !isOfEntra && b2cAuthority(b2c, policy, instance).mayIssueAs(issuer);
}

/**
 * The scheme that unverified claims seem to be of, whether or not it is configured.
 *
 * B2C is recognized by its host, by a policy, or by the configured issuer: behind a custom domain, a token of a custom
 * policy may have neither of the first two.
 */
export function claimedScheme(claims: UnverifiedClaims, settings: Pick<Settings, 'entra' | 'b2c'>): Scheme {
  const { iss, tfp } = claims;
  const issuer = typeof iss === 'string' ? iss : '';
  if (tfp !== undefined || isB2cHost(parseUrl(issuer)?.hostname ?? '')) return 'b2c';
  if (tokenVersionOf(issuer) === 'v1') return 'entra';
  return claimedPolicy(claims) !== undefined || mayBeOfB2c(issuer, settings) ? 'b2c' : 'entra';
}

/**
 * Whether an issuer seems to be of another identity provider: it is on no host of Microsoft's, on none that is configured, and
 * has no form that it would have behind a custom domain.
 */
export function claimsOtherProvider(
  { iss }: UnverifiedClaims,
  { entra, b2c }: Pick<Settings, 'entra' | 'b2c'>,
): boolean {
  const issuer = typeof iss === 'string' ? iss : '';
  const host = parseUrl(issuer)?.hostname ?? '';
  if (isTokenService(host) || isExternalIdHost(host) || isB2cHost(host)) return false;
  const instances = [entra?.instance, ...(b2c?.instances ?? [])];
  if (host !== '' && instances.some((instance) => parseUrl(instance)?.hostname === host)) return false;
  return tenantOfIssuer(issuer) === undefined || !(issuer.endsWith('/v2.0') || issuer.endsWith('/v2.0/'));
}
