/** Calls of another API from several processes that share one Redis: the right token for each caller, and few token requests. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { startStubApi, type StubApi } from '../support/downstream-api.js';
import { startApiProcess, startLoadProcess, type ApiProcess, type LoadProcess } from '../support/downstream-process.js';
import { startRedis, type RedisServer } from '../support/redis.js';

const processes = 4;
const users = 20;
const callsOfUser = 50;

let issuer: TestIssuer;
let stub: StubApi;
let redis: RedisServer;
let load: LoadProcess;
let apis: ApiProcess[];

/** The user of a token, by its claims. */
const userOf = (authorization: string | undefined) => {
  const [, payload = ''] = (authorization ?? '').split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly oid: string }).oid;
};

beforeAll(async () => {
  issuer = await startTestIssuer();
  stub = await startStubApi();
  load = await startLoadProcess();
  stub.respond = (response, { headers }) => response.end(JSON.stringify({ oid: userOf(headers.authorization) }));
});

afterAll(async () => {
  await Promise.all([load.stop(), stub.close(), issuer.close()]);
});

interface User {
  readonly oid: string;
  readonly token: string;
}

const newUsers = (count: number, name: string): Promise<User[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const oid = `${name}-${String(index)}`;
      return { oid, token: await issuer.token({ oid }) };
    }),
  );

/** Calls of each user at once, over all processes. */
async function expectRightAnswers(callers: readonly User[], times: number): Promise<void> {
  const calls = Array.from({ length: times }, (_, index) => index).flatMap((index) =>
    callers.map(({ oid, token }, user) => {
      const url = apis[(index + user) % processes]?.url ?? '';
      return { oid, token, url: `${url}${index % 2 === 0 ? '/me' : '/service'}` };
    }),
  );
  const answers = await load.send(calls);
  expect(answers.map(({ status, text }) => `${String(status)} ${text}`)).toEqual(
    calls.map(({ oid }) => `200 ${JSON.stringify({ caller: oid, oid })}`),
  );
}

/** Calls whose token is not that of the caller they were made for. */
const callsWithTokenOfOther = () =>
  stub.received.filter(
    ({ url, headers }) => new URL(url ?? '', stub.url).searchParams.get('caller') !== userOf(headers.authorization),
  );

beforeEach(async () => {
  redis = await startRedis();
  apis = await Promise.all(Array.from({ length: processes }, () => startApiProcess(issuer, stub.url, redis.port)));
  // The first call of a process compiles code, and loads keys and msal-node.
  await expectRightAnswers(await newUsers(processes, 'first'), 2);
  stub.received.length = 0;
});

afterEach(async () => {
  await Promise.all([...apis.map((api) => api.stop()), redis.stop()]);
});

describe('four processes and one Redis', () => {
  it('call with the token of each caller, and ask for it once', async () => {
    const callers = await newUsers(users, 'user');
    const before = issuer.requests.tokens;
    await expectRightAnswers(callers, callsOfUser);
    expect(stub.received).toHaveLength(users * callsOfUser);
    expect(callsWithTokenOfOther()).toEqual([]);
    expect(issuer.requests.tokens - before).toBe(users);
    expect(apis.map((api) => api.printed())).toEqual(['', '', '', '']);
  });

  it('go on without Redis, where it is killed under load, and with it once it is back', async () => {
    const before = issuer.requests.tokens;
    let asked = 0;
    const loadNew = async (name: string) => {
      const callers = await newUsers(5, name);
      asked += callers.length;
      await expectRightAnswers(callers, 8);
    };
    const known = await newUsers(users, 'known');
    await expectRightAnswers(known, 8);
    await Promise.all([expectRightAnswers(known, 8), loadNew('while it is killed'), redis.kill()]);
    await Promise.all([expectRightAnswers(known, 8), loadNew('without it')]);
    await Promise.all([expectRightAnswers(known, 8), loadNew('while it starts'), redis.restart()]);
    await loadNew('with it');
    expect(callsWithTokenOfOther()).toEqual([]);
    // Without Redis each process asks by itself, once.
    expect(issuer.requests.tokens - before).toBeLessThanOrEqual((users + asked) * processes);
    for (const api of apis) expect(api.printed()).not.toMatch(/\bat .*:\d+:\d+|Unhandled/);
  });
});
