/**
 * A second factor, which the local issuer asks of some people before they may use the second API. In Entra ID, a policy of
 * Conditional Access does that.
 */
interface ClaimsRequest {
  readonly access_token?: { readonly acrs?: { readonly essential?: boolean; readonly value?: string } };
}

/** The authentication context of the policy. A token's claim `acrs` has it after the second factor. */
export const secondFactor = 'c1';

/** The claims request (OpenID Connect Core §5.5) of the challenge. The client sends it along with the next sign-in. */
export const secondFactorRequest = JSON.stringify({
  access_token: { acrs: { essential: true, value: secondFactor } },
} satisfies ClaimsRequest);

/** @param claims - the parameter `claims` of a sign-in */
export function asksForSecondFactor(claims: string | undefined): boolean {
  if (claims === undefined) return false;
  const request = JSON.parse(claims) as ClaimsRequest;
  return request.access_token?.acrs?.value === secondFactor;
}
