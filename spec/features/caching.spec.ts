/** The traps of remembering a verified token. Each spec fails where the check it is about is taken out. */
import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { promisify } from 'node:util';
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  initialize,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  type AccessTokenClaims,
} from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, serve, type Api } from '../support/api.js';

const seen: AccessTokenClaims[] = [];

@JsonController()
class CachedController {
  @Get('/entra')
  @RequiresAuth()
  entra(@TokenClaims() claims: AccessTokenClaims) {
    seen.push(claims);
    return {};
  }

  @Get('/write')
  @RequiresAuth()
  @ValidateScope('write')
  write() {
    return {};
  }

  @Get('/admin')
  @RequiresAuth()
  @RequiresRole('Admin')
  admin() {
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Get('/susi')
  @RequiresB2cAuth({ policy: 'B2C_1_susi' })
  susi() {
    return {};
  }
}

const minute = 60_000;
let clock: number;
let issuer: TestIssuer;
let api: Api;

beforeAll(async () => {
  api = await serve([CachedController]);
});
beforeEach(async () => {
  clock = Date.UTC(2026, 0, 1);
  seen.length = 0;
  issuer = await startTestIssuer({ now: () => clock });
  initialize({ ...issuer.options, b2c: issuer.b2cOptions, now: () => clock });
});
afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  await issuer.close();
});
afterAll(() => api.close());

const call = (path: string, token: string) => api.call(path, { token });
const status = async (path: string, token: string) => (await call(path, token)).status;

/** How many signatures are checked from now on. */
function countSignatures(): () => number {
  const verify = vi.spyOn(crypto, 'verify');
  syncBuiltinESMExports();
  return () => verify.mock.calls.length;
}

describe('a token that was verified', () => {
  it('costs its signature once, however many requests carry it', async () => {
    const signatures = countSignatures();
    const token = await issuer.token();
    expect(await status('/entra', token)).toBe(200);
    for (let times = 0; times < 20; times++) expect(await status('/entra', token)).toBe(200);
    expect(signatures()).toBe(1);
  });

  it('costs its signature once, however many requests carry it at one time', async () => {
    await initialize({ ...issuer.options, b2c: issuer.b2cOptions, now: () => clock }).ready();
    const signatures = countSignatures();
    const token = await issuer.token();
    const answers = await Promise.all(Array.from({ length: 100 }, () => status('/entra', token)));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(signatures()).toBe(1);
  });

  it('gives each request the same claims, which nobody can change', async () => {
    const token = await issuer.token({ nested: { list: [{ deep: 1 }] } });
    await call('/entra', token);
    await call('/entra', token);
    const [first, second] = seen;
    expect(first).toBe(second);
    const { nested } = first as unknown as { nested: { list: { deep: number }[] } };
    expect([first, nested, nested.list, nested.list[0]].every((value) => Object.isFrozen(value))).toBe(true);
  });

  it('is refused from the moment it expires', async () => {
    const token = await issuer.token();
    expect(await status('/entra', token)).toBe(200);
    clock += 60 * minute + 4_999;
    expect(await status('/entra', token)).toBe(200);
    clock += 1;
    expectRefusal(await call('/entra', token), { invalidToken: 'expired' });
  });

  it('is refused once it expired without its signature, which one that comes for the first time then costs', async () => {
    const [token, other] = [await issuer.token(), await issuer.token({ uti: 'other' })];
    expect(await status('/entra', token)).toBe(200);
    clock += 61 * minute;
    const signatures = countSignatures();
    for (let times = 0; times < 20; times++) expectRefusal(await call('/entra', token), { invalidToken: 'expired' });
    expect(signatures()).toBe(0);
    for (let times = 1; times < 3; times++) {
      expectRefusal(await call('/entra', other), { invalidToken: 'expired' });
      expect(signatures()).toBe(times);
    }
  });

  it('is refused while the clock is set back to before it began', async () => {
    const token = await issuer.token();
    expect(await status('/entra', token)).toBe(200);
    clock -= minute;
    expectRefusal(await call('/entra', token), { invalidToken: 'not_yet_valid' });
    clock += minute;
    expect(await status('/entra', token)).toBe(200);
  });

  it('may lack iat and nbf', async () => {
    const token = await issuer.token({ iat: undefined, nbf: undefined });
    expect(await status('/entra', token)).toBe(200);
    expect(await status('/entra', token)).toBe(200);
    clock += 61 * minute;
    expectRefusal(await call('/entra', token), { invalidToken: 'expired' });
  });

  it('falls with its key', async () => {
    const token = await issuer.token({ exp: clock / 1000 + 7 * 24 * 3600 });
    expect(await status('/entra', token)).toBe(200);
    await issuer.rotateKeys();
    clock += 2 * 60 * minute;
    expect(await status('/entra', await issuer.token())).toBe(200);
    expect(await status('/entra', token)).toBe(200);
    clock += 23 * 60 * minute;
    expectRefusal(await call('/entra', token), { invalidToken: 'key' });
  });

  it('falls when its kid is given to another key', async () => {
    const token = await issuer.token({ exp: clock / 1000 + 24 * 3600 });
    expect(await status('/entra', token)).toBe(200);
    const response = await fetch(`${issuer.url}/${issuer.options.tenantId}/discovery/v2.0/keys`);
    const { keys: old } = (await response.json()) as { keys: [{ kid: string }] };
    await issuer.rotateKeys();
    issuer.setFault({
      on: 'keys',
      body: (document) => ({
        keys: (document as unknown as { keys: object[] }).keys.map((key) => ({ ...key, kid: old[0].kid })),
      }),
    });
    clock += 2 * 60 * minute;
    const before = issuer.requests.keys;
    await call('/entra', token);
    while (issuer.requests.keys === before) await new Promise((resolve) => setImmediate(resolve));
    await vi.waitFor(async () => {
      expectRefusal(await call('/entra', token), { invalidToken: 'signature' });
    });
  });

  it("is held against each route's own demands", async () => {
    const token = await issuer.token({ scp: 'read' });
    expect(await status('/entra', token)).toBe(200);
    expectRefusal(await call('/write', token), { insufficientScope: 'scope', scope: 'write' });
    expectRefusal(await call('/admin', token), { insufficientScope: 'role' });
    expect(await status('/entra', token)).toBe(200);
  });

  it('does not open a route of the other scheme', async () => {
    const entra = await issuer.token();
    const b2c = await issuer.b2cToken();
    expect([await status('/entra', entra), await status('/b2c', b2c)]).toEqual([200, 200]);
    expectRefusal(await call('/b2c', entra), { invalidToken: 'policy' });
    expectRefusal(await call('/entra', b2c), { invalidToken: 'issuer' });
  });

  it('does not open a route of another policy', async () => {
    const token = await issuer.b2cToken({ tfp: 'B2C_1A_signin' });
    expect(await status('/b2c', token)).toBe(200);
    expectRefusal(await call('/susi', token), { invalidToken: 'policy' });
  });

  it('does not open an API that was configured anew', async () => {
    const token = await issuer.token();
    expect(await status('/entra', token)).toBe(200);
    initialize({ ...issuer.options, clientId: crypto.randomUUID(), now: () => clock });
    expectRefusal(await call('/entra', token), { invalidToken: 'audience' });
    initialize({ ...issuer.options, allowedClients: [crypto.randomUUID()], now: () => clock });
    expectRefusal(await call('/entra', token), { insufficientScope: 'client' });
  });

  it('is not taken for a token that differs in one character', async () => {
    const token = await issuer.token();
    expect(await status('/entra', token)).toBe(200);
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const swapped = payload.startsWith('e') ? `f${payload.slice(1)}` : `e${payload.slice(1)}`;
    expect(await status('/entra', [header, swapped, signature].join('.'))).toBe(401);
    expect(
      await status('/entra', [header, payload, `${signature.slice(0, 10)}A${signature.slice(11)}`].join('.')),
    ).toBe(401);
  });
});

describe('a token that was refused', () => {
  it('is judged anew each time: one that was not valid yet passes when it is', async () => {
    const token = await issuer.token({ nbf: clock / 1000 + 60 });
    expectRefusal(await call('/entra', token), { invalidToken: 'not_yet_valid' });
    clock += minute;
    expect(await status('/entra', token)).toBe(200);
  });

  it('is judged anew each time: one whose issuer was down passes when it is back', async () => {
    initialize({ ...issuer.options, now: () => clock });
    issuer.setFault({ down: true });
    const token = await issuer.token();
    expectRefusal(await call('/entra', token), 'issuer_unavailable');
    issuer.setFault();
    clock += minute;
    expect(await status('/entra', token)).toBe(200);
  });

  it('is not remembered', async () => {
    const signatures = countSignatures();
    const token = await issuer.token({ aud: 'another-api' });
    for (let times = 0; times < 3; times++) expectRefusal(await call('/entra', token), { invalidToken: 'audience' });
    expect(signatures()).toBe(3);
  });
});

describe('two issuers that share a kid', () => {
  it('do not speak for each other', async () => {
    const stranger = await startTestIssuer({
      now: () => clock,
      tenantId: issuer.options.tenantId,
      clientId: issuer.options.clientId,
    });
    const token = await issuer.token();
    expect(await status('/entra', token)).toBe(200);
    const [head] = token.split('.') as [string];
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string };
    const forged = await stranger.token({ iss: `${issuer.url}/${issuer.options.tenantId}/v2.0` }, { kid });
    expectRefusal(await call('/entra', forged), { invalidToken: 'signature' });
    await stranger.close();
  });
});

describe('tokenCache', () => {
  it('false checks every signature', async () => {
    initialize({ ...issuer.options, tokenCache: false, now: () => clock });
    const signatures = countSignatures();
    const token = await issuer.token();
    for (let times = 0; times < 3; times++) expect(await status('/entra', token)).toBe(200);
    expect(signatures()).toBe(3);
  });

  it('{ maxEntries } keeps the tokens used last', async () => {
    initialize({ ...issuer.options, tokenCache: { maxEntries: 2 }, now: () => clock });
    const [a, b, c] = (await Promise.all(['a', 'b', 'c'].map((uti) => issuer.token({ uti })))) as [
      string,
      string,
      string,
    ];
    const signatures = countSignatures();
    for (const token of [a, b, a, c, a]) expect(await status('/entra', token)).toBe(200);
    expect(signatures()).toBe(3);
    expect(await status('/entra', b)).toBe(200);
    expect(signatures()).toBe(4);
  });
});

describe('the memory of the process', () => {
  it('holds no token once its requests are over', async () => {
    // Run on the built package, apart from the machinery of the specs.
    const script = `
      import { getHeapSnapshot } from 'node:v8';
      import { createServer, request } from 'node:http';
      import express from 'express';
      import 'reflect-metadata';
      import { Get, JsonController, useExpressServer } from 'routing-controllers';
      import { initialize, RequiresAuth } from 'microsoft-identity-decorators';
      import { startTestIssuer } from 'microsoft-identity-decorators/testing';
      class Api { get() { return {}; } }
      const descriptor = Object.getOwnPropertyDescriptor(Api.prototype, 'get');
      Get('/')(Api.prototype, 'get');
      RequiresAuth()(Api.prototype, 'get', descriptor);
      Object.defineProperty(Api.prototype, 'get', descriptor);
      JsonController()(Api);
      const issuer = await startTestIssuer();
      initialize(issuer.options);
      const server = createServer(useExpressServer(express(), { controllers: [Api] })).listen(0);
      const call = (token) => new Promise((resolve) =>
        request({ port: server.address().port, agent: false, headers: { authorization: 'Bearer ' + token } },
          (response) => response.resume().on('end', () => resolve(response.statusCode))).end());
      // What to look for is kept as numbers, so that looking does not put it into the heap as text.
      const codesOf = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
      const sought = [];
      const statuses = new Set();
      for (let i = 0; i < 53; i++) {
        const token = await issuer.token({ uti: 'u' + i });
        for (let times = 0; times < 3; times++) statuses.add(await call(token));
        const [, payload, signature] = token.split('.');
        // The end of the payload is its own; its beginning is shared with others of the same second.
        // The last few stay in the registers of this loop, as they do for a route that is open.
        if (i < 50) sought.push(codesOf(payload.slice(-60)), codesOf(signature.slice(20, 120)));
      }
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        globalThis.gc();
      }
      const chunks = [];
      for await (const chunk of getHeapSnapshot()) chunks.push(chunk);
      const snapshot = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
      const found = sought.filter((codes) => snapshot.includes(Buffer.from(codes))).length;
      const control = snapshot.includes('microsoft-identity-decorators');
      console.log(JSON.stringify({ statuses: [...statuses], found, control }));
      process.exit();`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--expose-gc', '--input-type=module', '-e', script],
      {
        maxBuffer: 16 * 1024 * 1024,
      },
    );
    expect(JSON.parse(stdout)).toEqual({ statuses: [200], found: 0, control: true });
  });
});
