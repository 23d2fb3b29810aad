/** What a client has to act on, on every host: answered by the library, and handed to the application. */
import type { Request } from 'express';
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { authErrorHandler, expressAuthentication } from '../../src/hosts/tsoa.js';
import {
  ClaimsChallengeError,
  ConsentRequiredError,
  initialize,
  InsufficientScopeError,
  InteractionRequiredError,
  InvalidTokenError,
  onBehalfOf,
} from '../../src/index.js';
import { startTestIssuer, tokenError, type Fault, type TestIssuer } from '../../src/testing.js';
import { expressReleases, listen, type Api } from '../support/api.js';
import {
  handledStatus,
  handleErrors,
  hosts,
  kept,
  optionsOf,
  partnersIssuer,
  type ForwardingHost,
} from '../support/hosts/downstream.js';

/** A route as tsoa generates it: the token is verified first, then the action runs. */
const tsoa: readonly ForwardingHost[] = expressReleases.map(({ release, express }) => ({
  name: `tsoa on ${release}`,
  start: (onError) => {
    const app = express();
    const action = async (request: Request) => {
      await expressAuthentication(request, 'entra');
      return onBehalfOf('graph', request).get('/me');
    };
    app.get('/me', (request, response, next) => {
      action(request).then((body) => response.json(body), next);
    });
    return listen(onError === undefined ? app.use(authErrorHandler) : handleErrors(app, onError));
  },
}));

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});

afterAll(async () => {
  await issuer.close();
  await partnersIssuer.close();
});

const claims = '{"access_token" : {"acrs":{"essential":true,"value":"c1"}}}';
const consent = 'The user or an administrator has not consented to the permissions that this request needs.';
const challengeOf = (error: string, description: string) =>
  `Bearer error="${error}", error_description="${description}"`;
const claimsChallenge = () =>
  `Bearer realm="${issuer.options.tenantId}", ` +
  `authorization_uri="${issuer.url}/${issuer.options.tenantId}/oauth2/v2.0/authorize", ` +
  `error="insufficient_claims", claims="${Buffer.from(claims).toString('base64')}"`;

/** Each has a token of its own: a refusal is kept for the token that it is about. */
interface Case {
  readonly name: string;
  readonly refuse?: Fault;
  readonly token: () => Promise<string>;
  readonly expected: () => {
    readonly status: number;
    readonly error: string;
    readonly description: string;
    readonly challenge: string;
  };
  readonly errorClass: new (...given: never[]) => Error;
  readonly tokenRequests: number;
}

const challenged = {
  refuse: tokenError('interaction_required', { claims, codes: [50076] }),
  expected: () => ({
    status: 401,
    error: 'insufficient_claims',
    description: 'This request needs an access token with more claims.',
    challenge: claimsChallenge(),
  }),
  errorClass: ClaimsChallengeError,
  tokenRequests: 1,
};

const cases: readonly Case[] = [
  {
    ...challenged,
    name: 'claims, to a client that declared cp1',
    token: () => issuer.token({ uti: 'cp1', xms_cc: ['cp1'] }),
  },
  { ...challenged, name: 'claims, to any other client', token: () => issuer.token({ uti: 'any' }) },
  {
    name: 'consent',
    refuse: tokenError('invalid_grant', { codes: [65001], suberror: 'consent_required' }),
    token: () => issuer.token({ uti: 'consent' }),
    expected: () => ({
      status: 403,
      error: 'consent_required',
      description: consent,
      challenge: challengeOf('insufficient_scope', consent),
    }),
    errorClass: ConsentRequiredError,
    tokenRequests: 1,
  },
  {
    name: 'interaction',
    refuse: tokenError('interaction_required', { codes: [50078] }),
    token: () => issuer.token({ uti: 'interaction' }),
    expected: () => ({
      status: 401,
      error: 'interaction_required',
      description: 'The user must sign in again.',
      challenge: challengeOf('invalid_token', 'The user must sign in again.'),
    }),
    errorClass: InteractionRequiredError,
    tokenRequests: 1,
  },
  {
    name: 'a new token, where the authority says that this one expired',
    refuse: tokenError('invalid_grant', { codes: [500133] }),
    token: () => issuer.token({ uti: 'expired' }),
    expected: () => ({
      status: 401,
      error: 'invalid_token',
      description: 'The access token expired.',
      challenge: challengeOf('invalid_token', 'The access token expired.'),
    }),
    errorClass: InvalidTokenError,
    tokenRequests: 1,
  },
  {
    name: 'a user: an application has no one to be represented',
    token: () => issuer.appToken(),
    expected: () => ({
      status: 403,
      error: 'insufficient_scope',
      description: 'This kind of caller is not accepted.',
      challenge: challengeOf('insufficient_scope', 'This kind of caller is not accepted.'),
    }),
    errorClass: InsufficientScopeError,
    tokenRequests: 0,
  },
];

describe.each([...hosts, ...tsoa])('$name', ({ start }) => {
  let api: Api;

  beforeEach(() => {
    kept.length = 0;
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    issuer.userPolicy = undefined;
    await api.close();
  });

  it.each(cases)('asks for $name', async ({ refuse, token, expected, tokenRequests }) => {
    initialize(optionsOf(issuer));
    api = await start();
    if (refuse !== undefined) issuer.userPolicy = () => ({ refuse });
    const before = issuer.requests.tokens;
    const answer = await api.call('/me', { token: await token() });
    const { status, error, description, challenge } = expected();
    expect([answer.status, answer.headers['www-authenticate'], answer.headers['cache-control'], answer.body]).toEqual([
      status,
      challenge,
      'no-store',
      { error, error_description: description },
    ]);
    expect(issuer.requests.tokens - before).toBe(tokenRequests);
  });

  it("hands the same errors to the application with errors: 'forward'", async () => {
    initialize({ ...optionsOf(issuer), errors: 'forward' });
    const forwarded: unknown[] = [];
    api = await start((error) => forwarded.push(error));
    for (const { refuse, token, expected, errorClass } of cases) {
      issuer.userPolicy = refuse && (() => ({ refuse }));
      const answer = await api.call('/me', { token: await token() });
      expect([answer.status, answer.headers['www-authenticate'], answer.text]).toEqual([handledStatus, undefined, '']);
      const { status, error, challenge } = expected();
      const handed = forwarded.at(-1);
      expect(handed).toBeInstanceOf(errorClass);
      expect(handed).toMatchObject({ status, code: error, headers: { 'WWW-Authenticate': challenge } });
    }
    expect(forwarded).toHaveLength(cases.length);
  });
});
