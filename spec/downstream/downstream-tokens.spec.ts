import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { claimsChallengeOfAuthority } from '../../src/core/access/claims-challenge.js';
import { address, AuthError, ConfigurationError, InvalidTokenError } from '../../src/core/errors.js';
import { ConsentRequiredError, InteractionRequiredError, TokenUnavailableError } from '../../src/downstream/errors.js';
import { minute, second, until } from '../support/clock.js';
import { ofApp, ofUser, outcomeOf, play, tenant } from '../support/downstream-tokens.js';

const unhandled: unknown[] = [];
const onUnhandled = (error: unknown) => unhandled.push(error);
process.on('unhandledRejection', onUnhandled);
afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});
afterAll(() => process.off('unhandledRejection', onUnhandled));

const tokenOf = (outcome: unknown) => (outcome as { readonly token: string }).token;

describe('a token that is kept', () => {
  it('is asked for once, and then handed out without a promise', async () => {
    const { tokens, clock, asked, obtain } = play();
    const request = ofUser('ann', clock);
    const token = await obtain(() => tokens.ofUser(request));
    expect(token).toEqual({
      token: 'token-1',
      expiresAtMs: clock.now() + 60 * minute,
      refreshAtMs: clock.now() + 55 * minute,
    });
    expect(tokens.ofUser(request)).toBe(token);
    expect(asked).toMatchObject([
      {
        api: 'graph',
        authority: `https://login.microsoftonline.com/${request.tenant}`,
        scopes: request.scopes,
        assertion: request.assertionOf(),
        claims: undefined,
      },
    ]);
  });

  it('is asked for with the scopes in the order of the request, and found with them in any order', async () => {
    const { tokens, clock, obtain, asked } = play();
    await obtain(() => tokens.ofUser(ofUser('ann', clock, { scopes: ['b', 'a'] })));
    expect(tokens.ofUser(ofUser('ann', clock, { scopes: ['a', 'b'] }))).toHaveProperty('token', 'token-1');
    expect(asked[0]?.scopes).toEqual(['b', 'a']);
  });

  it.each([
    ['user', { digest: 'another'.padEnd(44, '=') }],
    ['tenant', { tenant: 'another' }],
    ['scope', { scopes: ['https://graph.microsoft.com/Mail.Read'] }],
    [
      'number of scopes',
      { scopes: ['https://graph.microsoft.com/User.Read', 'https://graph.microsoft.com/Mail.Read'] },
    ],
  ])('is not handed out for another %s', async (_, differs) => {
    const { tokens, clock, obtain } = play();
    await obtain(() => tokens.ofUser(ofUser('ann', clock)));
    expect(tokenOf(await obtain(() => tokens.ofUser(ofUser('ann', clock, differs))))).toBe('token-2');
    expect(tokens.ofUser(ofUser('ann', clock))).toHaveProperty('token', 'token-1');
  });

  it('of the application is kept by tenant and scopes, apart from those of users', async () => {
    const { tokens, clock, obtain, asked } = play();
    const app = ofApp();
    await obtain(() => tokens.ofApplication(app));
    expect(tokens.ofApplication(app)).toHaveProperty('token', 'token-1');
    expect(tokenOf(await obtain(() => tokens.ofApplication(ofApp({ tenant: 'b' }))))).toBe('token-2');
    expect(tokenOf(await obtain(() => tokens.ofUser(ofUser('ann', clock, { scopes: app.scopes }))))).toBe('token-3');
    expect(asked.map(({ assertion }) => assertion)).toEqual([undefined, undefined, 'header.payload-of-ann.signature']);
  });

  it('is dropped where more are kept than may be, the one not asked for the longest first', async () => {
    const { tokens, clock, obtain } = play({ maxEntries: 2 });
    for (const name of ['ann', 'bob']) await obtain(() => tokens.ofUser(ofUser(name, clock)));
    void tokens.ofUser(ofUser('ann', clock));
    await obtain(() => tokens.ofUser(ofUser('cleo', clock)));
    expect(tokens.ofUser(ofUser('ann', clock))).toHaveProperty('token', 'token-1');
    expect(tokenOf(await obtain(() => tokens.ofUser(ofUser('bob', clock))))).toBe('token-4');
  });

  it.each([
    [60, 1],
    [1, 60],
  ])('is the longest where several answers name one: %i s, %i s', async (first, second) => {
    const { tokens, clock, untilAsked, asked } = play();
    const refused = ['ann', 'bob'].map((name) => outcomeOf(() => tokens.ofUser(ofUser(name, clock))));
    await untilAsked(2);
    asked[0]?.fail(new TokenUnavailableError({ retryAfterSeconds: first }));
    await refused[0];
    asked[1]?.fail(new TokenUnavailableError({ retryAfterSeconds: second }));
    await refused[1];
    clock.advance(59_000);
    expect(await outcomeOf(() => tokens.ofUser(ofUser('cleo', clock)))).toMatchObject({ retryAfterSeconds: 1 });
    expect(asked).toHaveLength(2);
  });

  it('stays while it is asked for, and many others come', async () => {
    const { tokens, clock, obtain } = play({ maxEntries: 16 });
    const users = Array.from({ length: 64 }, (_, index) => ofUser(`user-${String(index)}`, clock));
    const [ann, ...others] = users;
    if (ann === undefined) throw new Error('There are users.');
    await obtain(() => tokens.ofUser(ann));
    for (const other of others) {
      await obtain(() => tokens.ofUser(other));
      expect(tokens.ofUser(ann)).toHaveProperty('token', 'token-1');
    }
    expect(users.slice(-13).map((user) => tokens.ofUser(user))).toMatchObject(
      Array.from({ length: 13 }, (_, index) => ({ token: `token-${String(index + 52)}` })),
    );
  });

  it('is dropped with all others of its user', async () => {
    const { tokens, clock, obtain } = play({ maxEntries: 3 });
    const [ann, annForMail, bob] = [
      ofUser('ann', clock),
      ofUser('ann', clock, { scopes: ['mail'] }),
      ofUser('bob', clock),
    ];
    for (const request of [ann, annForMail, bob]) await obtain(() => tokens.ofUser(request));
    for (const [index, request] of [annForMail, ann, bob].entries()) {
      expect(tokens.ofUser(request)).toHaveProperty('token', `token-${String([2, 1, 3][index])}`);
    }
    await obtain(() => tokens.ofUser(ofUser('bob', clock, { scopes: ['mail'] })));
    expect(tokens.ofUser(bob)).toHaveProperty('token', 'token-3');
    expect(tokenOf(await obtain(() => tokens.ofUser(annForMail)))).toBe('token-5');
    expect(tokens.ofUser(bob)).toHaveProperty('token', 'token-3');
  });

  it('is dropped where one user has more than may be kept, the oldest first', async () => {
    const { tokens, clock, obtain } = play({ maxEntries: 2 });
    const requests = ['a', 'b', 'c'].map((scope) => ofUser('ann', clock, { scopes: [scope] }));
    for (const request of requests) await obtain(() => tokens.ofUser(request));
    expect(requests.slice(1).map((request) => tokens.ofUser(request))).toMatchObject([
      { token: 'token-2' },
      { token: 'token-3' },
    ]);
    expect(tokenOf(await obtain(() => tokens.ofUser(ofUser('ann', clock, { scopes: ['a'] }))))).toBe('token-4');
  });

  it('is not handed out in its last minute', async () => {
    const { tokens, clock, obtain } = play();
    const request = ofUser('ann', clock);
    await obtain(() => tokens.ofUser(request));
    clock.advance(59 * minute);
    expect(tokenOf(await obtain(() => tokens.ofUser(request)))).toBe('token-2');
  });

  it('cannot be changed by the one who gets it', async () => {
    const { tokens, clock, obtain } = play();
    expect(Object.isFrozen(await obtain(() => tokens.ofUser(ofUser('ann', clock))))).toBe(true);
  });

  it('counts from when the authority was asked, not from when it answered', async () => {
    const { tokens, clock, untilAsked } = play();
    const startedAtMs = clock.now();
    const call = tokens.ofUser(ofUser('ann', clock));
    const asked = await untilAsked(1);
    clock.advance(4 * second);
    asked.answer();
    expect((await call).expiresAtMs).toBe(startedAtMs + 60 * minute);
  });

  it("is not handed out when the user's own token expired", async () => {
    const { tokens, clock, obtain, asked } = play();
    const request = ofUser('ann', clock, { assertionExpiresAtMs: clock.now() + minute });
    await obtain(() => tokens.ofUser(request));
    clock.advance(minute - 1);
    expect(tokens.ofUser(request)).toHaveProperty('token', 'token-1');
    clock.advance(1);
    const error = await outcomeOf(() => tokens.ofUser(request));
    expect(error).toBeInstanceOf(InvalidTokenError);
    expect(error).toMatchObject({ reason: 'expired', status: 401 });
    expect(asked).toHaveLength(1);
  });
});

describe('calls at the same time', () => {
  it('of one user ask once', async () => {
    const { tokens, clock, asked, untilAsked } = play();
    const calls = Array.from({ length: 100 }, async () => tokens.ofUser(ofUser('ann', clock)));
    (await untilAsked(1)).answer();
    expect(new Set((await Promise.all(calls)).map(tokenOf))).toEqual(new Set(['token-1']));
    expect(asked).toHaveLength(1);
  });

  it('of several users ask once for each', async () => {
    const { tokens, clock, asked, untilAsked } = play();
    const calls = ['ann', 'bob', 'ann', 'bob'].map(async (name) => tokens.ofUser(ofUser(name, clock)));
    await untilAsked(2);
    for (const request of asked) request.answer({ token: `for ${String(request.assertion)}` });
    expect((await Promise.all(calls)).map(tokenOf)).toEqual(
      ['ann', 'bob', 'ann', 'bob'].map((name) => `for header.payload-of-${name}.signature`),
    );
  });

  it('each get an error of their own where the authority fails', async () => {
    const { tokens, clock, asked, untilAsked } = play();
    const calls = Array.from({ length: 3 }, () => outcomeOf(() => tokens.ofUser(ofUser('ann', clock))));
    const cause = new Error('reset');
    (await untilAsked(1)).fail(new TokenUnavailableError({ cause }));
    const errors = (await Promise.all(calls)) as TokenUnavailableError[];
    expect(new Set(errors).size).toBe(3);
    for (const error of errors) {
      expect(error).toBeInstanceOf(TokenUnavailableError);
      expect(error).toMatchObject({
        name: 'TokenUnavailableError',
        status: 503,
        retryAfterSeconds: 5,
        throttled: false,
        cause,
      });
    }
    errors[0]?.[address]({ caller: undefined, resource: { metadataUrl: 'https://api/metadata', scopesFor: () => [] } });
    expect(errors[1]?.headers).not.toHaveProperty('WWW-Authenticate');
    expect(asked).toHaveLength(1);
  });

  it('each get a ConfigurationError of their own', async () => {
    const { tokens, clock, untilAsked } = play();
    const calls = [1, 2].map(() => outcomeOf(() => tokens.ofUser(ofUser('ann', clock))));
    (await untilAsked(1)).fail(new ConfigurationError('The secret is wrong.', { cause: 'AADSTS7000215' }));
    const [first, other] = (await Promise.all(calls)) as ConfigurationError[];
    expect(first).not.toBe(other);
    for (const error of [first, other]) {
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error).toMatchObject({ message: 'The secret is wrong.', cause: 'AADSTS7000215' });
    }
  });

  it('get an error that is none of this library as it is, and the next call asks again', async () => {
    const { tokens, clock, untilAsked, obtain } = play();
    const call = outcomeOf(() => tokens.ofUser(ofUser('ann', clock)));
    const error = new RangeError('unexpected');
    (await untilAsked(1)).fail(error);
    expect(await call).toBe(error);
    expect(tokenOf(await obtain(() => tokens.ofUser(ofUser('ann', clock))))).toBe('token-2');
  });
});

describe('a renewal', () => {
  it('takes place in the background, once, while the token is handed out', async () => {
    const { tokens, clock, obtain, asked, untilAsked } = play();
    const request = ofUser('ann', clock);
    await obtain(() => tokens.ofUser(request));
    clock.advance(55 * minute);
    for (let call = 0; call < 3; call++) expect(tokens.ofUser(request)).toHaveProperty('token', 'token-1');
    (await untilAsked(2)).answer();
    await until(() => tokenOf(tokens.ofUser(request)) === 'token-2');
    expect(asked).toHaveLength(2);
  });

  it('takes place at half the life of a short token, and when the authority advises it', async () => {
    const { tokens, clock, obtain, asked, untilAsked } = play();
    await obtain(() => tokens.ofApplication(ofApp()), { expiresInSeconds: 300 });
    await obtain(() => tokens.ofApplication(ofApp({ tenant: 'b' })), {
      expiresInSeconds: 86_400,
      refreshInSeconds: 100,
    });
    clock.advance(100 * second);
    void tokens.ofApplication(ofApp());
    void tokens.ofApplication(ofApp({ tenant: 'b' }));
    (await untilAsked(3)).answer();
    expect(asked[2]?.authority).toBe('https://login.microsoftonline.com/b');
    clock.advance(50 * second);
    void tokens.ofApplication(ofApp());
    await untilAsked(4);
  });

  it('that fails is no failure of a call, and is tried again ten seconds later', async () => {
    const { tokens, clock, obtain, asked, untilAsked } = play();
    const request = ofUser('ann', clock);
    await obtain(() => tokens.ofUser(request));
    clock.advance(55 * minute);
    for (let failures = 1; failures <= 3; failures++) {
      void tokens.ofUser(request);
      (await untilAsked(1 + failures)).fail(new InteractionRequiredError());
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(10 * second - 1);
      expect(tokens.ofUser(request)).toHaveProperty('token', 'token-1');
      expect(asked).toHaveLength(1 + failures);
      clock.advance(1);
    }
    clock.set(clock.now() + 4 * minute);
    const call = outcomeOf(() => tokens.ofUser(request));
    (await untilAsked(5)).fail(new InteractionRequiredError());
    expect(await call).toBeInstanceOf(InteractionRequiredError);
  });

  it('that is under way when the token runs out is waited for', async () => {
    const { tokens, clock, obtain, asked, untilAsked } = play();
    const request = ofUser('ann', clock);
    await obtain(() => tokens.ofUser(request));
    clock.advance(58 * minute);
    void tokens.ofUser(request);
    clock.advance(minute);
    const call = tokens.ofUser(request);
    (await untilAsked(2)).answer();
    expect(tokenOf(await call)).toBe('token-2');
    expect(asked).toHaveLength(2);
  });
});

describe('a refusal', () => {
  const refusals: [string, () => AuthError][] = [
    ['claims challenge', () => claimsChallengeOfAuthority('{"access_token":{}}', { message: 'AADSTS50076' })],
    ['consent', () => new ConsentRequiredError({ api: 'graph', scopes: ['a'], message: 'AADSTS65001' })],
    ['interaction', () => new InteractionRequiredError({ message: 'AADSTS50173' })],
  ];

  it.each(refusals)('is kept for ten seconds: %s', async (_, refusal) => {
    const { tokens, clock, asked, untilAsked, obtain } = play();
    const request = ofUser('ann', clock);
    const call = outcomeOf(() => tokens.ofUser(request));
    const error = refusal();
    (await untilAsked(1)).fail(error);
    await call;
    clock.advance(10 * second - 1);
    const again = (await outcomeOf(() => tokens.ofUser(request))) as AuthError;
    expect(again).not.toBe(error);
    expect(again).not.toBe(await call);
    expect(again.constructor).toBe(error.constructor);
    const members = (of: AuthError) =>
      Object.entries(Object.getOwnPropertyDescriptors(of)).filter(([name]) => name !== 'stack');
    expect(members(again)).toEqual(members(error));
    expect(again.toJSON()).toEqual(error.toJSON());
    expect(asked).toHaveLength(1);
    clock.advance(1);
    expect(tokenOf(await obtain(() => tokens.ofUser(request)))).toBe('token-2');
  });

  it('is no refusal of another user', async () => {
    const { tokens, clock, untilAsked, obtain } = play();
    const call = outcomeOf(() => tokens.ofUser(ofUser('ann', clock)));
    (await untilAsked(1)).fail(new InteractionRequiredError());
    await call;
    expect(tokenOf(await obtain(() => tokens.ofUser(ofUser('bob', clock))))).toBe('token-2');
  });

  it('is forgotten where claims bring a token', async () => {
    const { tokens, clock, untilAsked, obtain } = play();
    const request = ofUser('ann', clock);
    const call = outcomeOf(() => tokens.ofUser(request));
    (await untilAsked(1)).fail(new InteractionRequiredError());
    await call;
    await obtain(() => tokens.ofUser({ ...request, claims: '{}' }));
    expect(tokens.ofUser(request)).toHaveProperty('token', 'token-2');
  });

  it.each([
    ['a failure without Retry-After', new TokenUnavailableError()],
    ['a wrong configuration', new ConfigurationError('wrong')],
    ['an expired token', new InvalidTokenError('expired')],
  ])('is not %s', async (_, error) => {
    const { tokens, clock, untilAsked, obtain } = play();
    const request = ofUser('ann', clock);
    const call = outcomeOf(() => tokens.ofUser(request));
    (await untilAsked(1)).fail(error);
    await call;
    expect(tokenOf(await obtain(() => tokens.ofUser(request)))).toBe('token-2');
  });
});

describe('the time that the authority asks to be left alone', () => {
  it('holds for new tokens of one tenant', async () => {
    const { tokens, clock, untilAsked, obtain, asked } = play();
    const ann = ofUser('ann', clock);
    await obtain(() => tokens.ofUser(ann));
    const bob = outcomeOf(() => tokens.ofUser(ofUser('bob', clock)));
    (await untilAsked(2)).fail(new TokenUnavailableError({ retryAfterSeconds: 7 }));
    expect(await bob).toMatchObject({ headers: { 'Retry-After': '7' } });
    clock.advance(1500);
    for (const call of [
      () => tokens.ofUser(ofUser('cleo', clock)),
      () => tokens.ofUser({ ...ann, claims: '{}' }),
      () => tokens.ofApplication(ofApp()),
    ]) {
      const error = await outcomeOf(call);
      expect(error).toBeInstanceOf(TokenUnavailableError);
      expect(error).toMatchObject({ status: 503, retryAfterSeconds: 6, headers: { 'Retry-After': '6' } });
    }
    expect(tokens.ofUser(ann)).toHaveProperty('token', 'token-1');
    expect(asked).toHaveLength(2);
    expect(tokenOf(await obtain(() => tokens.ofUser(ofUser('bob', clock, { tenant: 'another' }))))).toBe('token-3');
    clock.advance(5500);
    expect(tokenOf(await obtain(() => tokens.ofUser(ofUser('bob', clock))))).toBe('token-4');
  });
});

describe('a request with claims', () => {
  it('is sent to the authority, and its token replaces the one that is kept', async () => {
    const { tokens, clock, obtain, asked } = play();
    const request = ofUser('ann', clock);
    await obtain(() => tokens.ofUser(request));
    expect(tokenOf(await obtain(() => tokens.ofUser({ ...request, claims: '{"a":1}' })))).toBe('token-2');
    expect(tokens.ofUser(request)).toHaveProperty('token', 'token-2');
    expect(asked[1]?.claims).toBe('{"a":1}');
  });

  it('shares a flight with those for the same claims alone', async () => {
    const { tokens, clock, asked, untilAsked } = play();
    const request = ofUser('ann', clock);
    const calls = [undefined, 'a', 'a', 'b'].map(async (claims) => tokens.ofUser({ ...request, claims }));
    await untilAsked(3);
    for (const { claims, answer } of asked) answer({ token: `with ${String(claims)}` });
    expect((await Promise.all(calls)).map(tokenOf)).toEqual(['with undefined', 'with a', 'with a', 'with b']);
  });

  it('is not undone by a request that began before it', async () => {
    const { tokens, clock, asked, untilAsked } = play();
    const request = ofUser('ann', clock);
    const early = tokens.ofUser(request);
    const late = tokens.ofUser({ ...request, claims: 'a' });
    await untilAsked(2);
    asked[1]?.answer();
    expect(tokenOf(await late)).toBe('token-2');
    asked[0]?.answer();
    expect(tokenOf(await early)).toBe('token-1');
    expect(tokens.ofUser(request)).toHaveProperty('token', 'token-2');
  });

  it('is not kept where it is refused', async () => {
    const { tokens, clock, untilAsked, obtain } = play();
    const request = ofUser('ann', clock);
    const call = outcomeOf(() => tokens.ofUser({ ...request, claims: 'a' }));
    (await untilAsked(1)).fail(claimsChallengeOfAuthority('{}'));
    await call;
    expect(tokenOf(await obtain(() => tokens.ofUser(request)))).toBe('token-2');
  });
});

describe('a closed identity', () => {
  it('ends what is under way, and keeps nothing of it', async () => {
    const { tokens, clock, close, untilAsked, obtain } = play();
    await obtain(() => tokens.ofUser(ofUser('ann', clock)));
    const calls = ['bob', 'bob', 'cleo'].map((name) => outcomeOf(() => tokens.ofUser(ofUser(name, clock))));
    const asked = await untilAsked(3);
    const reason = new Error('closed');
    close(reason);
    expect(asked.signal.aborted).toBe(true);
    const errors = await Promise.all(calls);
    expect(new Set(errors).size).toBe(3);
    for (const error of errors) expect(error).toBeInstanceOf(TokenUnavailableError);
    expect(errors[0]).toMatchObject({ cause: reason });
    asked.answer();
    await new Promise((resolve) => setImmediate(resolve));
    for (const name of ['ann', 'cleo']) {
      expect(await outcomeOf(() => tokens.ofUser(ofUser(name, clock)))).toBeInstanceOf(TokenUnavailableError);
    }
  });

  it('ends where the authority fails afterwards', async () => {
    const { tokens, close, untilAsked } = play();
    const call = outcomeOf(() => tokens.ofApplication(ofApp({ tenant })));
    const asked = await untilAsked(1);
    close();
    asked.fail(new Error('aborted'));
    expect(await call).toBeInstanceOf(TokenUnavailableError);
  });
});
