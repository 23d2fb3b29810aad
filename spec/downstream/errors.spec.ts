import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ChallengedCaller } from '../../src/core/challenge.js';
import { address, AuthError } from '../../src/core/errors.js';
import {
  ConsentRequiredError,
  DownstreamError,
  InteractionRequiredError,
  TokenUnavailableError,
} from '../../src/downstream/errors.js';

const now = Date.parse('2026-01-01T00:00:00Z');
const scopes = ['https://graph.microsoft.com/User.Read'];

const answered = (status: number, headers: Record<string, string> = {}) =>
  new DownstreamError({ api: 'graph', response: { status, headers: new Headers(headers), text: 'of graph' }, now });

const written = (error: AuthError) => ({
  code: error.code,
  status: error.status,
  challenge: error.headers['WWW-Authenticate'],
  retryAfter: error.headers['Retry-After'],
  cacheControl: error.headers['Cache-Control'],
});

const none = { challenge: undefined, retryAfter: undefined, cacheControl: 'no-store' };

describe.each<[string, AuthError, ReturnType<typeof written>]>([
  [
    'ConsentRequiredError',
    new ConsentRequiredError({ api: 'graph', scopes }),
    {
      ...none,
      code: 'consent_required',
      status: 403,
      challenge:
        'Bearer error="insufficient_scope", error_description="The user or an administrator has not consented to the permissions that this request needs."',
    },
  ],
  [
    'InteractionRequiredError',
    new InteractionRequiredError(),
    {
      ...none,
      code: 'interaction_required',
      status: 401,
      challenge: 'Bearer error="invalid_token", error_description="The user must sign in again."',
    },
  ],
  [
    'TokenUnavailableError',
    new TokenUnavailableError(),
    { ...none, code: 'token_unavailable', status: 503, retryAfter: '5' },
  ],
  ['DownstreamError', answered(404), { ...none, code: 'downstream_failed', status: 502 }],
])('%s', (name, error, expected) => {
  it('carries its code, status, challenge and headers', () => {
    expect(written(error)).toEqual(expected);
    expect([error.statusCode, error.httpCode]).toEqual([expected.status, expected.status]);
  });

  it('is an AuthError of its own name', () => {
    expect(error).toBeInstanceOf(AuthError);
    expect(error.name).toBe(name);
    const classes = [ConsentRequiredError, InteractionRequiredError, TokenUnavailableError, DownstreamError];
    expect(classes.filter((errorClass) => (error as unknown) instanceof errorClass)).toEqual([error.constructor]);
  });

  it('serializes to error and error_description, and to nothing else', () => {
    expect(Object.keys(JSON.parse(JSON.stringify(error)) as object)).toEqual(['error', 'error_description']);
    expect(JSON.stringify(error)).not.toContain('raph');
  });

  it('keeps its status and its headers when it is addressed, and names the resource metadata in a challenge', () => {
    const caller: ChallengedCaller = { claims: { iss: 'iss', aud: 'aud', exp: 0 }, authority: undefined };
    const resourceMetadata = 'https://api.example/.well-known/oauth-protected-resource';
    error[address]({ caller, resource: { metadataUrl: resourceMetadata, scopesFor: () => [] } });
    const challenge = expected.challenge && `${expected.challenge}, resource_metadata="${resourceMetadata}"`;
    expect(written(error)).toEqual({ ...expected, challenge });
  });
});

describe('a message for the developer', () => {
  it('takes the place of the description, and is not for the caller', () => {
    const message = 'AADSTS65001: grant the permission.';
    const errors = [
      new ConsentRequiredError({ api: 'graph', scopes, message }),
      new InteractionRequiredError({ message }),
      new TokenUnavailableError({ message }),
    ];
    for (const error of errors) {
      expect([error.message, error.expose]).toEqual([message, false]);
      expect(JSON.stringify(error)).not.toContain('AADSTS');
    }
  });
});

describe('ConsentRequiredError', () => {
  it('names the API and the scopes', () => {
    const error = new ConsentRequiredError({ api: 'graph', scopes });
    expect([error.api, error.scopes]).toEqual(['graph', scopes]);
    expect(Object.isFrozen(error.scopes)).toBe(true);
    expect(error.scopes).not.toBe(scopes);
  });
});

describe('TokenUnavailableError', () => {
  it('says when to try again, and keeps the cause', () => {
    const cause = new Error('reset');
    const error = new TokenUnavailableError({ cause, retryAfterSeconds: 7 });
    expect([error.retryAfterSeconds, error.headers['Retry-After'], error.cause]).toEqual([7, '7', cause]);
  });
});

describe('DownstreamError', () => {
  it('names the API, and holds its answer where logs do not look', () => {
    const error = answered(404);
    expect(error.message).toBe('The API graph answered with status 404.');
    expect([error.api, error.response?.status, error.response?.text]).toEqual(['graph', 404, 'of graph']);
    expect(Object.keys(error)).not.toContain('response');
    expect(inspect(error)).not.toContain('of graph');
    expect(error.expose).toBe(false);
  });

  it.each([
    ['a number of seconds', '7', '7'],
    ['a date', 'Thu, 01 Jan 2026 00:00:30 GMT', '30'],
    ['more than five minutes', '86400', '300'],
    ['no time at all', '0', '1'],
    ['a date that has passed', 'Thu, 01 Jan 2025 00:00:00 GMT', '1'],
    ['neither a number nor a date', 'soon', '5'],
    ['a negative number', '-7', '5'],
  ])('is 503 for 429 and 503, and says when to try again: %s', (_, retryAfter, expected) => {
    for (const status of [429, 503]) {
      expect(written(answered(status, { 'Retry-After': retryAfter }))).toMatchObject({
        status: 503,
        retryAfter: expected,
      });
    }
  });

  it('is 503 with five seconds where the API names none', () => {
    expect(written(answered(503))).toMatchObject({ status: 503, retryAfter: '5' });
  });

  it.each([301, 401, 403, 500, 502, 504])('is 502 for %i, without Retry-After', (status) => {
    expect(written(answered(status, { 'Retry-After': '7' }))).toMatchObject({ status: 502, retryAfter: undefined });
  });

  it('is 502 where the API did not answer, and keeps the cause', () => {
    const cause = new Error('reset');
    const error = new DownstreamError({ api: 'graph', cause });
    expect([error.status, error.message, error.response]).toEqual([502, 'The API graph did not answer.', undefined]);
    expect(error.cause).toBe(cause);
  });
});
