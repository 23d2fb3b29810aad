/** What each refusal carries, written out: class, code, reason, status and the exact challenge. */
import { expect } from 'vitest';
import {
  AuthError,
  InsufficientScopeError,
  InvalidRequestError,
  InvalidTokenError,
  IssuerUnavailableError,
  MissingTokenError,
} from '../../src/core/errors.js';

interface Written {
  readonly errorClass: new (...args: never[]) => AuthError;
  readonly code: string;
  readonly reason: string | undefined;
  readonly status: number;
  readonly challenge: string | undefined;
}

const invalidToken = (reason: string, challenge: string): Written => ({
  errorClass: InvalidTokenError,
  code: 'invalid_token',
  reason,
  status: 401,
  challenge,
});

const insufficientScope = (reason: string, challenge: string): Written => ({
  errorClass: InsufficientScopeError,
  code: 'insufficient_scope',
  reason,
  status: 403,
  challenge,
});

/** Every refusal there is, by its reason, or by its code where it has none. */
export const refusals = {
  missing_token: {
    errorClass: MissingTokenError,
    code: 'missing_token',
    reason: undefined,
    status: 401,
    challenge: 'Bearer',
  },
  invalid_request: {
    errorClass: InvalidRequestError,
    code: 'invalid_request',
    reason: undefined,
    status: 400,
    challenge: 'Bearer error="invalid_request"',
  },
  malformed: invalidToken(
    'malformed',
    'Bearer error="invalid_token", error_description="The access token is malformed."',
  ),
  algorithm: invalidToken(
    'algorithm',
    'Bearer error="invalid_token", error_description="The access token is not signed with RS256."',
  ),
  key: invalidToken(
    'key',
    'Bearer error="invalid_token", error_description="The access token is not signed with a key of its issuer."',
  ),
  signature: invalidToken(
    'signature',
    'Bearer error="invalid_token", error_description="The signature of the access token is not valid."',
  ),
  expired: invalidToken('expired', 'Bearer error="invalid_token", error_description="The access token expired."'),
  not_yet_valid: invalidToken(
    'not_yet_valid',
    'Bearer error="invalid_token", error_description="The access token is not valid yet."',
  ),
  issuer: invalidToken(
    'issuer',
    'Bearer error="invalid_token", error_description="The access token comes from another issuer."',
  ),
  audience: invalidToken(
    'audience',
    'Bearer error="invalid_token", error_description="The access token is meant for another API."',
  ),
  tenant: invalidToken(
    'tenant',
    'Bearer error="invalid_token", error_description="The access token comes from a tenant that is not accepted."',
  ),
  policy: invalidToken(
    'policy',
    'Bearer error="invalid_token", error_description="The access token comes from a policy that is not accepted."',
  ),
  token_type: invalidToken(
    'token_type',
    'Bearer error="invalid_token", error_description="The token is not an access token."',
  ),
  scope: insufficientScope(
    'scope',
    'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs."',
  ),
  role: insufficientScope(
    'role',
    'Bearer error="insufficient_scope", error_description="The access token does not carry the role this request needs."',
  ),
  client: insufficientScope(
    'client',
    'Bearer error="insufficient_scope", error_description="The client application is not accepted."',
  ),
  check: insufficientScope(
    'check',
    'Bearer error="insufficient_scope", error_description="The caller does not satisfy a rule of this API."',
  ),
  issuer_unavailable: {
    errorClass: IssuerUnavailableError,
    code: 'issuer_unavailable',
    reason: undefined,
    status: 503,
    challenge: undefined,
  },
} as const satisfies Record<string, Written>;

export type RefusalName = keyof typeof refusals;

/** What a call throws, or rejects with. Fails where it does neither. */
export async function errorOf(run: () => unknown): Promise<unknown> {
  let value: unknown;
  try {
    value = await run();
  } catch (error) {
    return error;
  }
  return expect.fail(`nothing was thrown, and the call gave ${JSON.stringify(value)}`);
}

/** Asserts a refusal whole. The scopes are those the challenge names. */
export function expectRefused(error: unknown, name: RefusalName, scopes?: string): void {
  const written: Written = refusals[name];
  const challenge = scopes === undefined ? written.challenge : `${String(written.challenge)}, scope="${scopes}"`;
  expect(error).toBeInstanceOf(written.errorClass);
  const { code, status, headers } = error as AuthError;
  const { reason } = error as { reason?: unknown };
  expect({ code, reason, status, challenge: headers['WWW-Authenticate'] }).toEqual({
    code: written.code,
    reason: written.reason,
    status: written.status,
    challenge,
  });
}

/** Asserts that a call is refused, by throwing or by rejecting. */
export async function refuses(run: () => unknown, name: RefusalName, scopes?: string): Promise<void> {
  expectRefused(await errorOf(run), name, scopes);
}
