/**
 * A second factor, which the local issuer asks of some people before they may use the second API. In Entra ID, a policy of
 * Conditional Access does that.
 */

/** The authentication context of the policy. A token's claim `acrs` has it after the second factor. */
const secondFactor = 'c1';

/** The claims request (OpenID Connect Core §5.5) of the challenge. The client sends it along with the next sign-in. */
export const secondFactorRequest = { access_token: { acrs: { essential: true, value: secondFactor } } };

export function hasSecondFactor({ acrs }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(acrs) && acrs.includes(secondFactor);
}
