import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClaimsChallengeError } from '../../src/core/access/claims-challenge.js';
import { verifiedRequests } from '../../src/core/access/current-request.js';
import type { Requirement } from '../../src/core/access/requirement.js';
import { explanationChannel } from '../../src/core/channels.js';
import { AuthError, ConfigurationError, InvalidTokenError, MissingTokenError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { initialize } from '../../src/gate/initialize.js';
import { addressedRefusal, refusalOf } from '../../src/gate/refusal.js';
import { forgetIdentity, forgetWarnings } from '../support/isolation.js';

const options = {
  tenantId: '11111111-2222-4333-8444-555555555555',
  clientId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
};
const b2c = { domainName: 'contoso', policies: 'B2C_1_susi' };
const requirement: Requirement = { scheme: undefined, demands: [] };
const authority = { realm: 'realm', authorizationUri: 'https://login.example/authorize' };
const claimsRequest = { access_token: { acrs: null } };
const claims = 'eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6bnVsbH19';

/** A request whose token, with these claims beside the usual ones, was verified. */
function requestOf(extra: object) {
  const request = { headers: {} };
  const token = {
    kind: 'entra',
    callerKind: 'user',
    claims: { iss: 'iss', aud: 'aud', exp: 0, ...extra },
    authority,
    policy: undefined,
  } as const;
  const context = {
    ...token,
    token,
    requirement,
    identity: createIdentity(options),
    presented: undefined,
    groups: undefined,
    satisfied: undefined,
    isHandling: false,
  };
  verifiedRequests.set(request, context);
  return request;
}

const challengeOf = (refusal: AuthError | ConfigurationError) => refusal.headers['WWW-Authenticate'];

let warnings: unknown[] = [];

beforeEach(() => {
  warnings = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => warnings.push(warning));
  initialize(options);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('addressedRefusal', () => {
  it('tells a client that understands it where to ask for more claims', () => {
    const error = new ClaimsChallengeError(claimsRequest);
    expect(addressedRefusal(error, requirement, requestOf({ xms_cc: ['cp1'] }))).toBe(error);
    expect(error.status).toBe(401);
    expect(challengeOf(error)).toBe(
      `Bearer realm="realm", authorization_uri="${authority.authorizationUri}", error="insufficient_claims", claims="${claims}"`,
    );
  });

  it('answers 403 to a client that does not understand a claims challenge', () => {
    const error = new ClaimsChallengeError(claimsRequest);
    addressedRefusal(error, requirement, requestOf({}));
    expect(error).toMatchObject({ code: 'insufficient_scope', reason: 'auth_context', status: 403 });
  });

  it('names no authority where no token of the request was verified', () => {
    const error = new ClaimsChallengeError(claimsRequest);
    addressedRefusal(error, requirement, { headers: {} });
    expect(challengeOf(error)).toBe(`Bearer error="insufficient_claims", claims="${claims}"`);
  });

  it('names the resource metadata of the configuration that the requirement is bound to', () => {
    initialize({ ...options, resourceMetadata: { resource: 'https://api.example' } });
    const resourceMetadata = { resource: 'https://partners.example' };
    const identity = createIdentity({ ...options, resourceMetadata });
    const ofProcess = addressedRefusal(new MissingTokenError(), requirement, { headers: {} });
    const ofPartners = addressedRefusal(new MissingTokenError(), { ...requirement, identity }, { headers: {} });
    expect([ofProcess, ofPartners].map(challengeOf)).toEqual([
      'Bearer resource_metadata="https://api.example/.well-known/oauth-protected-resource"',
      'Bearer resource_metadata="https://partners.example/.well-known/oauth-protected-resource"',
    ]);
    // Forwarded to a handler that knows the configuration of the process alone.
    expect(challengeOf(addressedRefusal(ofPartners, undefined, { headers: {} }))).toBe(challengeOf(ofPartners));
  });

  it('takes any other error for a fault of the API, and keeps it as the cause', () => {
    for (const cause of [new TypeError('x is not a function'), 'text', undefined]) {
      const refusal = addressedRefusal(cause, requirement, { headers: {} });
      expect(refusal).toBeInstanceOf(ConfigurationError);
      expect(refusal.cause).toBe(cause);
      expect(refusal.message).not.toContain('x is not');
    }
  });
});

describe('refusalOf', () => {
  const request = { headers: {} };

  it('is answered by the gate, unless the configuration forwards errors', () => {
    const error = new MissingTokenError();
    expect(refusalOf(error, requirement, request)).toEqual({ refusal: error, forward: false });
    initialize({ ...options, errors: 'forward' });
    expect(refusalOf(error, requirement, request)).toEqual({ refusal: error, forward: true });
    const identity = createIdentity(options);
    expect(refusalOf(error, { ...requirement, identity }, request).forward).toBe(false);
  });

  it('is answered by the gate before initialize', () => {
    forgetIdentity();
    expect(refusalOf(new MissingTokenError(), undefined, request).forward).toBe(false);
  });

  it('warns the developer of a mistake in the set-up, once for each message', () => {
    for (const message of ['one', 'one', 'two']) refusalOf(new ConfigurationError(message), requirement, request);
    expect(warnings).toEqual(['one', 'two']);
  });

  it.each([{ toString: 1, valueOf: 1 }, 5, null, ['https://login.example/']])(
    'is explained whatever a token has in the place of its issuer: %j',
    (iss) => {
      initialize({ ...options, b2c });
      const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
      const token = `${encode({ alg: 'RS256', kid: 'key' })}.${encode({ iss })}.AAAA`;
      const explained: unknown[] = [];
      const note = (explanation: unknown) => explained.push(explanation);
      subscribe(explanationChannel.name, note);
      try {
        refusalOf(new InvalidTokenError('issuer'), requirement, { headers: { authorization: `Bearer ${token}` } });
      } finally {
        unsubscribe(explanationChannel.name, note);
      }
      expect(explained).toHaveLength(1);
      expect(warnings).toEqual([]);
    },
  );

  it('does not warn of what the caller caused', () => {
    refusalOf(new MissingTokenError(), requirement, request);
    expect(warnings).toEqual([]);
  });
});
