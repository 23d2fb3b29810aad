/** Nothing of a request comes back: markers go in through every member, and are looked for wherever anything comes out. */
import { connect } from 'node:net';
import { inspect } from 'node:util';
import type { Request, Response } from 'express';
import 'reflect-metadata';
import { Get, JsonController, Middleware, type ExpressErrorMiddlewareInterface } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createIdentity } from '../../src/core/identity.js';
import { initialize, RequiresAuth, RequiresB2cAuth, RequiresRole, ValidateScope } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expressReleases, serve } from '../support/api.js';

@JsonController()
class TargetController {
  @Get('/entra')
  @RequiresAuth()
  @ValidateScope('needed_scope')
  @RequiresRole('needed_role')
  entra() {
    return 'ran';
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    return 'ran';
  }
}

let issuer: TestIssuer;
let printed = '';

/** Collects all that reaches the console, the standard streams and the warnings of the process. */
function listenToLogs(): void {
  printed = '';
  const keep = (...values: unknown[]) => {
    printed += values.map((value) => (typeof value === 'string' ? value : inspect(value, { depth: 10 }))).join(' ');
    return true;
  };
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation(keep);
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  vi.spyOn(process, 'emitWarning').mockImplementation(keep);
}

/** The whole answer as bytes: status line, headers and body. */
function exchange(url: string, path: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    socket.on('error', reject).on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('close', () => {
      resolve(text);
    });
    socket.write(
      `GET ${path}?marker-in-query HTTP/1.1\r\nHost: api\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
  });
}

const marker = 'm4rker';
const marked = (name: string) => `${marker}-${name}`;

async function attempts(): Promise<readonly [string, string, string][]> {
  const claims = [
    'iss',
    'aud',
    'sub',
    'tid',
    'oid',
    'azp',
    'scp',
    'tfp',
    'acr',
    'ver',
    'name',
    'email',
    'nonce',
    'jti',
    'custom',
  ];
  const headers = ['kid', 'typ', 'alg', 'jku', 'x5u', 'x5t', 'cty', 'custom', 'crit', 'b64', 'zip'];
  const rows: [string, string, string][] = [];
  for (const name of claims) {
    rows.push([`claim ${name}`, '/entra', await issuer.token({ [name]: marked(name) })]);
    rows.push([`claim ${name} as a list`, '/entra', await issuer.token({ [name]: [marked(name)] })]);
    rows.push([`claim ${name} on B2C`, '/b2c', await issuer.b2cToken({ aud: 'other', [name]: marked(name) })]);
  }
  for (const name of headers) rows.push([`header ${name}`, '/entra', await issuer.token({}, { [name]: marked(name) })]);
  rows.push(['member name', '/entra', await issuer.token({ [marked('name')]: 1, scp: 'other' })]);
  rows.push(['role', '/entra', await issuer.token({ scp: 'needed_scope', roles: [marked('role')] })]);
  rows.push(['role of an app', '/entra', await issuer.appToken({ roles: [marked('role')] })]);
  rows.push(['broken JSON', '/entra', await issuer.sign(`{"alg":"RS256","${marker}`, '{}')]);
  rows.push(['broken payload', '/entra', await issuer.sign('{"alg":"RS256","kid":"x"}', `{"${marker}`)]);
  rows.push(['no token at all', '/entra', marker]);
  rows.push(['bytes above ASCII', '/entra', `${marker}\u00e9`]);
  return rows;
}

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

function expectNothing(text: string, token: string, where: string): void {
  expect(text, where).not.toContain(marker);
  for (const part of token.split('.')) if (part.length > 8) expect(text, where).not.toContain(part);
}

describe.each(expressReleases)('a refused request, $release', ({ express }) => {
  it.each(['production', 'development', 'test', ''])(
    'leaves no trace in answers or logs with NODE_ENV %j',
    async (env) => {
      vi.stubEnv('NODE_ENV', env);
      initialize({ ...issuer.options, b2c: issuer.b2cOptions });
      const api = await serve([TargetController], { express });
      for (const [name, path, token] of await attempts()) {
        listenToLogs();
        const answer = await exchange(api.url, path, token);
        vi.restoreAllMocks();
        expect(answer, name).toMatch(/^HTTP\/1\.1 (400|401|403) /);
        expectNothing(answer, token, name);
        expectNothing(printed, token, name);
        // No stack, and nothing but printable ASCII in the head.
        expect(answer, name).not.toMatch(/\bat .*:\d+:\d+|node_modules|\.ts\b/);
        expect(answer.split('\r\n\r\n')[0]?.replaceAll('\r\n', ''), name).toMatch(/^[\x20-\x7e]*$/);
      }
      await api.close();
    },
  );
});

describe('a refusal handed to the application', () => {
  it('holds nothing of the request', async () => {
    const seen: unknown[] = [];
    @Middleware({ type: 'after' })
    class ErrorHandler implements ExpressErrorMiddlewareInterface {
      error(error: unknown, _request: Request, response: Response): void {
        seen.push(error);
        response.status(400).end();
      }
    }
    initialize({ ...issuer.options, b2c: issuer.b2cOptions, errors: 'forward' });
    const api = await serve([TargetController], { middlewares: [ErrorHandler], defaultErrorHandler: false });
    const rows = await attempts();
    for (const [name, path, token] of rows) {
      await exchange(api.url, path, token);
      const error = seen.at(-1);
      expect(error, name).toBeInstanceOf(Error);
      const text = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
      expectNothing(text, token, name);
    }
    expect(seen).toHaveLength(rows.length);
    await api.close();
  });
});

describe('an outage', () => {
  it('tells callers nothing of where keys come from', async () => {
    initialize(issuer.options);
    issuer.setFault({ status: 500 });
    const api = await serve([TargetController]);
    const answer = await exchange(api.url, '/entra', await issuer.token());
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(answer).not.toContain('127.0.0.1');
    expect(answer).not.toContain('openid-configuration');
    issuer.setFault();
    await api.close();
  });
});

describe('what stays in the process', () => {
  it('is neither the input of a regular expression nor a member of Object.prototype', async () => {
    const before = Reflect.ownKeys(Object.prototype);
    const identity = createIdentity({ ...issuer.options, b2c: issuer.b2cOptions });
    const requirement = { scheme: { kind: 'entra', policies: undefined }, demands: [] } as const;
    const hostile = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"kid":"x","alg":"RS256"}`;
    for (const token of [
      await issuer.token(),
      await issuer.sign(hostile, hostile),
      await issuer.token({}, { kid: 'x' }),
    ]) {
      await Promise.resolve(/^reset$/.test('reset'));
      const headers = { authorization: `Bearer ${token}` };
      await new Promise<void>((resolve) => {
        Promise.resolve()
          .then(() => identity.authenticate({ headers }, requirement))
          .then(
            () => {
              resolve();
            },
            () => {
              resolve();
            },
          );
      });
      const { input } = RegExp as unknown as { input: string };
      for (const part of token.split('.')) expect(input).not.toContain(part);
    }
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    identity.close();
  });
});
