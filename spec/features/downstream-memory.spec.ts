/** The memory of a process that calls another API: once its requests are over, no token of a caller is left in it. */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestIssuer, tokenError, type TestIssuer } from '../../src/testing.js';
import { startStubApi, type StubApi } from '../support/downstream-api.js';
import { startApiProcess, type ApiProcess } from '../support/downstream-process.js';
import { startRedis, type RedisServer } from '../support/redis.js';

let issuer: TestIssuer;
let stub: StubApi;
let redis: RedisServer;
let api: ApiProcess;
const agent = new Agent({ keepAlive: true });

beforeAll(async () => {
  issuer = await startTestIssuer();
  stub = await startStubApi();
  stub.respond = (response) => response.end('{"oid":"ada"}');
  redis = await startRedis();
  api = await startApiProcess(issuer, stub.url, redis.port);
});

afterAll(async () => {
  agent.destroy();
  await Promise.all([api.stop(), redis.stop(), stub.close(), issuer.close()]);
});

/** Calls over a connection that stays open afterwards. */
const call = (path: string, token: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(api.url + path, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume().on('end', () => {
        resolve(response.statusCode);
      });
    });
    sent.on('error', reject).end();
  });

describe('the memory of the process', () => {
  it('holds no token of a caller after the request, while connections on both sides stay open', async () => {
    const count = 50;
    // The requests last served stay in the hands of Node, those of an open connection too.
    const last = 4;
    issuer.userPolicy = ({ assertion: { oid } }) =>
      String(oid).endsWith('-refused') ? { refuse: tokenError('invalid_grant', { codes: [65001] }) } : undefined;
    const sought: string[] = [];
    const statuses = new Set<number | undefined>();
    for (let index = 0; index < count + last; index++) {
      const isRefused = index % 10 === 5;
      const oid = `user-${String(index)}${isRefused ? '-refused' : ''}`;
      const token = await issuer.token({ oid, uti: oid });
      for (const path of ['/me', '/service', '/me']) {
        const status = await call(path, token);
        if (status !== (isRefused ? 403 : 200)) statuses.add(status);
      }
      const [, payload = '', signature = ''] = token.split('.');
      // The end of the payload is its own; its beginning is shared with others of the same second.
      if (index < count) sought.push(payload.slice(-60), signature.slice(20, 120));
    }
    const snapshot = await api.heap();
    expect([...statuses]).toEqual([]);
    expect(sought.filter((part) => snapshot.includes(part))).toEqual([]);
    // What is searched is the heap: the token for the other API is kept there.
    const [, payload = ''] = (stub.received.at(-1)?.headers.authorization ?? '').split('.');
    expect(snapshot.includes(payload.slice(-60))).toBe(true);
  });
});
