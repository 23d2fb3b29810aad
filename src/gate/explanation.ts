/** Why a request was refused, and what to change, for the developer of the API. Pure functions. */
import type { Explanation } from '../core/channels.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import { ConfigurationError, type Refusal } from '../core/errors.js';
import { b2cAuthority, entraAuthority, type Authority } from '../core/issuers/authority.js';
import { appIdUriOf, askedScopeNames } from '../core/issuers/resource-metadata.js';
import { tokenVersionOf } from '../core/issuers/issuer.js';
import { adviceOn } from '../core/keys/unavailable-keys.js';
import { claimedScheme } from '../core/token/claimed-scheme.js';
import type { SeenToken } from '../core/token/parsed-token.js';
import type { SeenCredential } from './credential-mistake.js';
import { findCode, issuerIn, microsoftApiOfToken, versionRemark, type RefusedRoute } from './explanation-code.js';
import { anyScope, forMicrosoft, hints, type ExplanationCode } from './explanation-hints.js';
import { describeFailedCall } from './failed-call.js';

const missingIn = (refusal: Refusal): readonly string[] =>
  (refusal as { readonly missing?: readonly string[] }).missing ?? [];

/** The names by which a client asks for what a route demands; undefined where the registration is not known. */
function namesToAskFor(
  refusal: Refusal,
  { payload = {} }: SeenToken,
  settings: Settings,
  { scheme, scopes = [] }: RefusedRoute,
): readonly string[] | undefined {
  const of = scheme === 'any' ? claimedScheme(payload, settings) : scheme;
  const registration = settings[of];
  if (registration === undefined) return undefined;
  const missing = missingIn(refusal);
  const wanted = missing.length > 0 ? missing : scopes;
  const { entra, b2c, resourceMetadata } = settings;
  if (wanted.length > 0) {
    return of === 'b2c'
      ? askedScopeNames(wanted, resourceMetadata?.scopes, undefined, b2c)
      : askedScopeNames(wanted, resourceMetadata?.scopes, entra, undefined);
  }
  // All that is consented to. B2C has no such name for people.
  return [`${appIdUriOf(registration)}/${of === 'b2c' ? '<scope>' : '.default'}`];
}

/** A hint with the names of this API and of this route in their places. */
function filledIn(hint: string, ...seen: Parameters<typeof namesToAskFor>): string {
  const missing = missingIn(seen[0]);
  const named = hint.replace(/ <name>/, missing.length === 0 ? '' : ` ${missing.join(' or ')}`);
  if (!named.includes(anyScope)) return named;
  const names = namesToAskFor(...seen);
  return names === undefined ? named : named.replace(anyScope, names.join(' or '));
}

/** The codes of a token that another issuer made than the configured one, of the same scheme. */
const codesOfIssuer: Readonly<Partial<Record<ExplanationCode, Scheme>>> = {
  issuer: 'entra',
  wrong_tenant: 'entra',
  wrong_cloud: 'entra',
  wrong_instance: 'entra',
  b2c_issuer: 'b2c',
  b2c_host: 'b2c',
};

/** The authorities whose issuers are accepted, by the configuration. All policies of B2C have the issuer of their host. */
function authoritiesFor(code: ExplanationCode, token: SeenToken, { entra, b2c }: Settings): readonly Authority[] {
  const scheme = codesOfIssuer[code];
  if (scheme === 'entra' && entra !== undefined) return [entraAuthority(entra, tokenVersionOf(issuerIn(token)))];
  if (scheme !== 'b2c' || b2c === undefined) return [];
  const { instances, policies } = b2c;
  return policies.slice(0, 1).flatMap((policy) => instances.map((instance) => b2cAuthority(b2c, policy, instance)));
}

/** Where the issuer stands that is expected. The one of the token is not repeated. */
function expectedIssuer(...seen: Parameters<typeof authoritiesFor>): string {
  const urls = authoritiesFor(...seen).map(({ metadataUrl }) => metadataUrl);
  return urls.length === 0 ? '' : ` Expected is the issuer that ${urls.join(' or ')} names.`;
}

/** What the options of an authority are called, whichever it is. */
const anyAuthority = {
  options: 'tenantId and instance (B2C: b2c.domainName and b2c.policies)',
  hostOptions: 'instance (B2C: b2c.domainName, b2c.customDomain and b2c.instance)',
};

/** What to change. An error of the application's own has its own code and message. */
function hintFor(
  code: ExplanationCode | undefined,
  refusal: Refusal,
  token: SeenToken,
  settings: Settings,
  route: RefusedRoute,
): string {
  const { tokenHeader = 'Authorization' } = settings;
  const failedCall = describeFailedCall(refusal, token.payload);
  if (failedCall !== undefined) return `${refusal.message} ${failedCall}`;
  if (route.unverified !== undefined) return route.unverified;
  if (code === undefined) return refusal.message;
  if (code === 'configuration' && refusal instanceof ConfigurationError) return `${hints[code]} ${refusal.message}`;
  if (code === 'no_keys') return `${hints[code]} ${adviceOn(refusal.cause, anyAuthority)}`;
  const api = code === 'graph_token' || code === 'microsoft_api' ? microsoftApiOfToken(token) : undefined;
  const hint = api === undefined ? hints[code].replace('Authorization', tokenHeader) : forMicrosoft(api);
  return `${filledIn(hint, refusal, token, settings, route)}${expectedIssuer(code, token, settings)}`;
}

/** Explains a refusal. */
export function explain(refusal: Refusal, token: SeenCredential, settings: Settings, route: RefusedRoute): Explanation {
  const { reason } = refusal as { readonly reason?: string };
  const isTooEarly = route.unverified !== undefined;
  const found = isTooEarly ? 'not_verified_yet' : findCode(reason ?? refusal.code, token, settings, route);
  const remark = found === 'audience_uri' || found === 'issuer' ? versionRemark(token, settings) : undefined;
  const hint = hintFor(found, refusal, token, settings, route);
  return Object.freeze({
    code: remark ?? found ?? refusal.code,
    hint: remark === undefined ? hint : `${hints[remark]} ${hint}`,
    status: refusal.status,
    error: refusal.code,
    reason,
    route: route.name,
    request: route.requestLine,
  });
}
