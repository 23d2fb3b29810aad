/** The code of docs/existing-apps.md for tsoa on Koa, run as it stands. Works on `dist/`, as it does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestIssuer, type TestIssuer } from '../src/testing.js';
import { compiled, endPrograms, freePort, startProgram } from './support/program.js';

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'existing-apps.md'), 'utf8');
const code = /\n### On Koa\n[^]*?```ts\n([^]*?)```/.exec(page)?.[1] ?? '';

/** An app with a route whose security is checked, and whose errors are thrown, as in the routes that tsoa generates. */
const app = (securityName: string) => `
import Koa from 'koa';
import { getTokenClaims, initialize, validateScope } from 'microsoft-identity-decorators/fetch';
initialize();
const app = new Koa();
app.silent = true;
const thrown = (context, error, status) => {
  context.status = error.status || status;
  context.throw(context.status, error.message, error);
};
app.use(answerRefusals);
app.use(async (context, next) => {
  try {
    context.request.user = await koaAuthentication(context.request, '${securityName}', ['access_as_user', 'orders.read']);
  } catch (error) {
    thrown(context, error, 401);
  }
  await next();
});
app.use((context) => {
  try {
    if (context.path === '/write') validateScope('orders.write', context.request);
    if (context.path === '/broken') throw new TypeError('of the application');
    context.body = { user: context.request.user.oid, helper: getTokenClaims(context.request).oid };
  } catch (error) {
    thrown(context, error, 500);
  }
});
app.listen(Number(process.env.PORT));
`;

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterEach(endPrograms);
afterAll(() => issuer.close());

async function start(securityName: string) {
  const port = await freePort();
  await startProgram(compiled(`${code}${app(securityName)}`), port, issuer.options);
  return async (path: string, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`http://localhost:${String(port)}${path}`, { headers });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: isJson ? (JSON.parse(text) as unknown) : text,
    };
  };
}

describe('koaAuthentication and answerRefusals', () => {
  it('let in who has all scopes, and answer any other caller as the gates do', async () => {
    const call = await start('entra');
    const scp = 'access_as_user orders.read';
    const token = await issuer.token({ oid: 'ada', scp });
    expect(await call('/', token)).toEqual({ status: 200, challenge: null, body: { user: 'ada', helper: 'ada' } });
    expect(await call('/')).toEqual({
      status: 401,
      challenge: 'Bearer',
      body: { error: 'missing_token', error_description: 'This request needs an access token.' },
    });
    for (const [path, given, scope] of [
      ['/', 'access_as_user', 'orders.read'],
      ['/write', scp, 'orders.write'],
    ] as const) {
      expect(await call(path, await issuer.token({ scp: given }))).toMatchObject({
        status: 403,
        challenge: expect.stringContaining(`scope="${scope}"`) as string,
        body: { error: 'insufficient_scope' },
      });
    }
    expect(await call('/broken', token)).toEqual({ status: 500, challenge: null, body: 'Internal Server Error' });
  });

  it('answer 500 where @Security() has another name, and do not say which', async () => {
    const call = await start('azure');
    expect(await call('/', await issuer.token())).toEqual({
      status: 500,
      challenge: null,
      body: { error: 'server_error' },
    });
  });
});
