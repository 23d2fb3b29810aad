/** The claims request of a client (OpenID Connect Core §5.5): which claims it wants in its token. */
import { ownMember } from '../core/json.js';

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null;

/** The claims request in a form. Undefined: there is none; empty: it is no object of JSON. */
export function parseClaims(text: string | null): Members | undefined {
  if (text === null) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/**
 * The capabilities that a client declares, as the claim `xms_cc` of its access token. Empty where it declares none.
 *
 * @see {@link https://learn.microsoft.com/entra/identity-platform/claims-challenge#how-to-communicate-client-capabilities-to-microsoft-entra-id Client capabilities}
 */
export function declaredCapabilities(claims: Members | undefined): { readonly xms_cc?: readonly string[] } {
  const ofToken = claims && ownMember(claims, 'access_token');
  const wanted = isObject(ofToken) ? ownMember(ofToken, 'xms_cc') : undefined;
  const values = isObject(wanted) ? ownMember(wanted, 'values') : undefined;
  const capabilities = Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
  return capabilities.length === 0 ? {} : { xms_cc: capabilities };
}
