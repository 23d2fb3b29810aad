/** On-behalf-of: an API that a person called exchanges the person's token for one of the second API. */
import { errors, type JWTPayload } from 'jose';
import type { Provider } from 'oidc-provider';
import { accessTokenClaims } from './access-token-claims.js';
import { secondFactor, secondFactorRequest } from './second-factor.js';
import { findPerson, warningsScope, type EntraTenant } from './tenant.js';

/** @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow */
export const onBehalfOfGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const hourSeconds = 60 * 60;

interface Signer {
  /** The claims of a token that the first API was called with. Rejects for any other token. */
  verify(token: string): Promise<JWTPayload>;
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

/** An answer of Entra ID that is no token. */
class Refusal extends Error {
  readonly body: object;

  /** @param code - the number that Entra ID gives the error */
  constructor(error: string, code: number, description: string, members: object = {}) {
    super(description);
    this.body = { error, error_description: `AADSTS${String(code)}: ${description}`, error_codes: [code], ...members };
  }
}

async function verifyAssertion(assertion: string, signer: Signer): Promise<JWTPayload> {
  try {
    return await signer.verify(assertion);
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new Refusal('invalid_grant', 500133, 'The assertion expired.');
    if (error instanceof errors.JOSEError) throw new Refusal('invalid_grant', 50013, 'The assertion is not valid.');
    throw error;
  }
}

async function exchange(tenant: EntraTenant, signer: Signer, assertion: string, scope: string): Promise<object> {
  const { oid, acrs } = await verifyAssertion(assertion, signer);
  const person = findPerson(tenant, String(oid));
  if (person === undefined) throw new Refusal('unauthorized_client', 7000114, 'The assertion is not of a person.');
  if (!scope.split(' ').includes(warningsScope(tenant))) {
    throw new Refusal('invalid_scope', 70011, 'The scope is not one of the second API.');
  }
  if (person.needsSecondFactor === true && !(Array.isArray(acrs) && acrs.includes(secondFactor))) {
    throw new Refusal('interaction_required', 50076, 'The person has to give a second factor.', {
      claims: secondFactorRequest,
    });
  }
  const iat = Math.floor(Date.now() / 1000);
  const ofSecondApi = { ...tenant, clientId: tenant.warningsClientId };
  const claims = accessTokenClaims(ofSecondApi, person, tenant.clientId, { iat, exp: iat + hourSeconds });
  return {
    token_type: 'Bearer',
    expires_in: hourSeconds,
    scope: warningsScope(tenant),
    // The client authenticated with a secret.
    access_token: await signer.sign({ ...claims, azpacr: '1', acrs, scp: 'warnings.read' }),
  };
}

/** Adds the grant to the token endpoint, which has authenticated the client by then. */
export function answerOnBehalfOf(provider: Provider, tenant: EntraTenant, signer: Signer): void {
  const answer: Parameters<Provider['registerGrantType']>[1] = async (context) => {
    const { assertion = '', scope = '' } = context.oidc.params ?? {};
    try {
      context.body = await exchange(tenant, signer, assertion, scope);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      context.status = 400;
      context.body = error.body;
    }
  };
  provider.registerGrantType(onBehalfOfGrant, answer, ['assertion', 'scope']);
}
