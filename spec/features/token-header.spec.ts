/** The option `tokenHeader`: the one header that the token is read from, in place of Authorization, on every host. */
import 'reflect-metadata';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import express from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { authErrorHandler, expressAuthentication } from '../../src/hosts/tsoa.js';
import { authenticate, mcpTokenVerifier } from '../../src/fetch.js';
import { initialize, type IdentityOptions } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { listen, type Answer, type Api, type Call } from '../support/api.js';
import type { HostUnderTest } from '../support/hosts/host.js';
import { hosts as expressHosts } from '../support/hosts/express.js';
import { hosts as fetchHosts } from '../support/hosts/fetch.js';
import { hosts as nestHosts } from '../support/hosts/nestjs.js';
import { hosts as routingControllersHosts } from '../support/hosts/routing-controllers.js';
import { refuses } from '../support/refusals.js';

const name = 'x-api-authorization';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

const options = (): IdentityOptions => ({ ...issuer.options, tokenHeader: 'X-Api-Authorization' });

const tsoaHost: HostUnderTest = {
  name: 'tsoa',
  start: () => {
    const app = express();
    app.get('/claims', (request, response, next) => {
      const authenticated: Promise<unknown> = expressAuthentication(request, 'entra', []);
      authenticated.then((user) => response.json({ oid: (user as { oid?: unknown }).oid }), next);
    });
    app.use(authErrorHandler);
    return listen(app);
  },
};

const malformed = 'Bearer error="invalid_token", error_description="The access token is malformed."';

interface Case {
  readonly when: string;
  readonly call: (token: string) => Call;
  readonly status: number;
  readonly challenge?: string;
}

const cases: readonly Case[] = [
  {
    when: 'the header has the scheme and the token',
    call: (t) => ({ headers: { [name]: `Bearer ${t}` } }),
    status: 200,
  },
  { when: 'the scheme is in another case', call: (t) => ({ headers: { [name]: `bEARER ${t}` } }), status: 200 },
  { when: 'the header has the token alone', call: (t) => ({ headers: { [name]: t } }), status: 200 },
  {
    when: 'a proxy overwrote Authorization',
    call: (t) => ({ headers: { authorization: 'Bearer of-the-platform', [name]: `Bearer ${t}` } }),
    status: 200,
  },
  { when: 'the token is in Authorization', call: (token) => ({ token }), status: 401, challenge: 'Bearer' },
  {
    when: 'the header is empty, and the token is in Authorization',
    call: (token) => ({ token, headers: { [name]: '' } }),
    status: 401,
    challenge: 'Bearer',
  },
  {
    when: 'the header has another scheme',
    call: () => ({ headers: { [name]: 'Basic eA==' } }),
    status: 401,
    challenge: 'Bearer',
  },
  {
    when: 'nothing follows the scheme',
    call: () => ({ headers: { [name]: 'Bearer' } }),
    status: 401,
    challenge: malformed,
  },
  {
    when: 'the text is no token',
    call: () => ({ headers: { [name]: 'undefined' } }),
    status: 401,
    challenge: malformed,
  },
  {
    when: 'there are two lines of it',
    call: (t) => ({ headers: { [name]: [`Bearer ${t}`, `Bearer ${t}`] } }),
    status: 400,
    challenge: 'Bearer error="invalid_request"',
  },
  {
    when: 'there is a second, empty line of it',
    call: (t) => ({ headers: { [name]: [`Bearer ${t}`, ''] } }),
    status: 400,
    challenge: 'Bearer error="invalid_request"',
  },
];

describe.each([...routingControllersHosts, ...expressHosts, ...nestHosts, ...fetchHosts, tsoaHost])(
  'tokenHeader on $name',
  ({ start }) => {
    let api: Api;
    beforeAll(async () => {
      initialize(options());
      api = await start();
    });
    beforeEach(() => {
      initialize(options());
    });
    afterAll(() => api.close());

    it.each(cases)('answers $status where $when', async ({ call, status, challenge }) => {
      const answer: Answer = await api.call('/claims', call(await issuer.token({ oid: 'ada' })));
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([status, challenge]);
      if (status === 200) expect(answer.body).toMatchObject({ oid: 'ada' });
      if (status === 400) {
        expect(answer.body).toEqual({
          error: 'invalid_request',
          error_description: `The request must carry exactly one ${name} header.`,
        });
      }
    });

    it('reads Authorization alone without the option', async () => {
      initialize(issuer.options);
      const token = await issuer.token({ oid: 'ada' });
      expect((await api.call('/claims', { token })).status).toBe(200);
      const answer = await api.call('/claims', { headers: { [name]: `Bearer ${token}` } });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    });
  },
);

describe('tokenHeader', () => {
  beforeEach(() => {
    initialize(options());
  });
  afterEach(() => {
    initialize(issuer.options);
  });

  it('is read by authenticate, from headers of every form', async () => {
    const token = await issuer.token({ oid: 'ada' });
    const sources = [
      new Headers({ [name]: `Bearer ${token}` }),
      { headers: { 'X-Api-Authorization': `Bearer ${token}` } },
      { headers: [['X-API-Authorization', token]] as const },
    ];
    for (const source of sources) expect(await authenticate(source)).toMatchObject({ oid: 'ada' });
    await refuses(() => authenticate(new Headers({ authorization: `Bearer ${token}` })), 'missing_token');
  });

  it('does not change what mcpTokenVerifier is handed', async () => {
    const token = await issuer.token();
    expect(await mcpTokenVerifier().verifyAccessToken(token)).toMatchObject({ token });
  });

  it('refuses two lines that a host joined', async () => {
    const token = await issuer.token();
    const joined = `Bearer ${token}, Bearer ${token}`;
    await refuses(() => authenticate({ headers: { [name]: joined } }), 'invalid_request');
    await refuses(() => authenticate(new Headers({ [name]: joined })), 'invalid_request');
  });

  it('takes a token of at most 16 KiB', async () => {
    const headers = { [name]: 'a'.repeat(16 * 1024 + 1) };
    await refuses(() => authenticate({ headers }), 'malformed');
  });

  it('takes no inherited header', async () => {
    const headers = Object.create({ [name]: await issuer.token() }) as Record<string, string>;
    await refuses(() => authenticate(Object.assign(new IncomingMessage(new Socket()), { headers })), 'missing_token');
  });
});
