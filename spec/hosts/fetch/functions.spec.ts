import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  authenticate,
  AuthError,
  ConfigurationError,
  createMicrosoftIdentity,
  getTokenClaims,
  initialize,
  InsufficientScopeError,
  MissingTokenError,
  protect,
  RequiresRole,
  toResponse,
  validateScope,
} from '../../../src/fetch.js';
import { runAs, startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { forgetIdentity, forgetWarnings } from '../../support/isolation.js';
import { errorOf, refuses } from '../../support/refusals.js';

let issuer: TestIssuer;
let partnersIssuer: TestIssuer;
let warnings: unknown[];

beforeAll(async () => {
  [issuer, partnersIssuer] = await Promise.all([startTestIssuer(), startTestIssuer()]);
});
beforeEach(() => {
  forgetWarnings();
  warnings = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => warnings.push(warning));
  initialize(issuer.options);
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => Promise.all([issuer.close(), partnersIssuer.close()]));

const url = 'http://localhost/';

const requestWith = (token: string, method = 'GET') =>
  new Request(url, { method, headers: { authorization: `Bearer ${token}` } });

/** The forms in which hosts give a request, of header lines. */
const forms: readonly [string, (lines: readonly (readonly [string, string])[]) => object, showsBoth?: false][] = [
  ['a request of Fetch', (lines) => new Request(url, { headers: lines.map(([name, value]) => [name, value]) })],
  ['headers of Fetch', (lines) => new Headers(lines.map(([name, value]) => [name, value]))],
  ['an object with headers of Fetch', (lines) => ({ headers: new Headers(lines.map(([...pair]) => pair)) })],
  ["Node's request", nodeRequest],
  [
    "Fastify's request, which holds Node's",
    (lines) => ({ headers: nodeRequest(lines).headers, raw: nodeRequest(lines) }),
  ],
  ["Koa's context, which holds Node's", (lines) => ({ headers: nodeRequest(lines).headers, req: nodeRequest(lines) })],
  ['an object with pairs', (lines) => ({ headers: lines })],
  ['an object with lists', (lines) => ({ headers: { Authorization: lines.map(([, value]) => value) } })],
  ['an object with texts', (lines) => ({ headers: Object.fromEntries(lines) })],
  ["Hono's context", (lines) => ({ req: { raw: new Request(url, { headers: lines.map(([...pair]) => pair) }) } })],
  ['an event with a request', (lines) => ({ request: new Request(url, { headers: lines.map(([...pair]) => pair) }) })],
  [
    'headers that can only be read',
    (lines) => ({ get: (name: string) => new Headers(lines.map(([...pair]) => pair)).get(name) }),
  ],
];

/** As Node has it: `headers` shows the first header alone. */
function nodeRequest(lines: readonly (readonly [string, string])[]) {
  const [first] = lines;
  return { headers: { ...(first && { authorization: first[1] }) }, rawHeaders: lines.flat() };
}

describe('authenticate', () => {
  it.each(forms)('reads the token of %s', async (_, make) => {
    const token = await issuer.token({ oid: 'ada' });
    const claims = await authenticate(make([['Authorization', `Bearer ${token}`]]) as Request);
    expect(claims.oid).toBe('ada');
    expect(Object.isFrozen(claims)).toBe(true);
    await refuses(() => authenticate(make([]) as Request), 'missing_token');
  });

  it.each(forms)('refuses two Authorization headers of %s', async (_, make) => {
    const lines = [
      ['Authorization', `Bearer ${await issuer.token()}`],
      ['authorization', 'Basic eA=='],
    ] as const;
    await refuses(() => authenticate(make(lines) as Request), 'invalid_request');
  });

  it('takes no header whose value is no text', async () => {
    const headers = { Authorization: 5, authorization: undefined, AUTHORIZATION: null };
    await refuses(() => authenticate({ headers } as never), 'missing_token');
  });

  it('refuses a token that does not satisfy the requirement, as a gate does', async () => {
    initialize({ ...issuer.options, resourceMetadata: { resource: 'https://api.example' } });
    const request = requestWith(await issuer.token({ xms_cc: ['cp1'] }));
    const { clientId } = issuer.options;
    const withoutScope = (await errorOf(() => authenticate(request, { scope: ['read', 'write'] }))) as AuthError;
    expect(withoutScope.headers['WWW-Authenticate']).toBe(
      'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", ' +
        `scope="api://${clientId}/read api://${clientId}/write", ` +
        'resource_metadata="https://api.example/.well-known/oauth-protected-resource"',
    );
    const weak = (await errorOf(() => authenticate(request, { authContext: 'c1' }))) as AuthError;
    expect([weak.status, weak.code]).toEqual([401, 'insufficient_claims']);
    expect(await authenticate(request, { scope: 'access_as_user', callers: 'user' })).toMatchObject({ ver: '2.0' });
  });

  it('opens no context, and lets the helpers find the request', async () => {
    const request = requestWith(await issuer.token());
    const claims = await authenticate(request);
    expect(() => getTokenClaims()).toThrow(MissingTokenError);
    expect(getTokenClaims(request)).toBe(claims);
    expect(getTokenClaims({ req: { raw: request } })).toBe(claims);
    expect(() => getTokenClaims(request.clone())).toThrow(MissingTokenError);
  });

  it('looks groups up once in a request', async () => {
    const resolveGroups = vi.fn(async () => Promise.resolve(['staff', 'payroll']));
    initialize({ ...issuer.options, resolveGroups });
    const request = requestWith(await issuer.token({ hasgroups: true }));
    await authenticate(request, { group: 'staff' });
    await authenticate(request, { group: 'payroll' });
    expect(resolveGroups).toHaveBeenCalledTimes(1);
  });

  it('does not change what a gate let the request in for', async () => {
    const admin = protect({ role: 'Admin' }, () => Response.json({}));
    const request = requestWith(await issuer.token({ roles: ['Reader'] }));
    const reader = protect({ role: 'Reader' }, async (again, claims) => {
      expect(await authenticate(again)).toBe(claims);
      return admin(again);
    });
    expect((await reader(request)).status).toBe(403);
  });

  it('checks against another configuration where it is given one', async () => {
    const partners = createMicrosoftIdentity(partnersIssuer.options);
    const [ours, theirs] = [requestWith(await issuer.token()), requestWith(await partnersIssuer.token())];
    const options = { identity: partners };
    const scope = Object.freeze({ scope: 'access_as_user' });
    for (const check of [(r: Request) => partners.authenticate(r), (r: Request) => authenticate(r, scope, options)]) {
      expect(await check(theirs)).toBeTypeOf('object');
      await refuses(() => check(ours), 'issuer');
    }
    expect(await authenticate(ours, scope)).toBeTypeOf('object');
    await refuses(() => authenticate(theirs, scope), 'issuer');
  });

  it('throws a ConfigurationError before initialize', async () => {
    forgetIdentity();
    const error = (await errorOf(() => authenticate(requestWith('x')))) as Error;
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error.message).toBe(
      'authenticate() was called before initialize(). Call initialize() before the server listens.',
    );
    expect(warnings).toEqual([error.message]);
  });
});

describe('toResponse', () => {
  it('has the status, the headers and the body of the refusal', async () => {
    const response = toResponse(new InsufficientScopeError('scope', ['read']));
    expect([response.status, Object.fromEntries(response.headers), await response.json()]).toEqual([
      403,
      {
        'cache-control': 'no-store',
        'content-type': 'application/json; charset=utf-8',
        'www-authenticate':
          'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", scope="read"',
      },
      {
        error: 'insufficient_scope',
        error_description: 'The access token does not carry the scope this request needs.',
      },
    ]);
  });

  it('has headers of its own, which the application may change', () => {
    const first = toResponse(new MissingTokenError());
    first.headers.set('www-authenticate', 'Basic');
    first.headers.set('x-request', '1');
    expect(Object.fromEntries(toResponse(new MissingTokenError()).headers)).toEqual({
      'cache-control': 'no-store',
      'content-type': 'application/json; charset=utf-8',
      'www-authenticate': 'Bearer',
    });
  });

  it('has the headers that the application put in the place of those of the error', () => {
    const headers: Record<string, string> = { 'X-Request': '1' };
    const error = Object.assign(new MissingTokenError(), { headers });
    expect(toResponse(error).headers.get('x-request')).toBe('1');
    headers['X-Request'] = '2';
    expect(toResponse(error).headers.get('x-request')).toBe('2');
  });

  it('has no body for HEAD', () => {
    const response = toResponse(new MissingTokenError(), new Request(url, { method: 'HEAD' }));
    expect([response.status, response.body]).toEqual([401, null]);
  });

  it('tells a mistake in the set-up to the developer alone', async () => {
    const response = toResponse(new ConfigurationError('Orders.list is wrong.'));
    expect([response.status, await response.json()]).toEqual([500, { error: 'server_error' }]);
    expect(warnings).toEqual(['Orders.list is wrong.']);
  });

  it.each([new TypeError('other'), { status: 401, headers: {} }, undefined])(
    'throws anything else: %o',
    async (error) => {
      expect(await errorOf(() => toResponse(error))).toBe(error);
    },
  );
});

describe('protect', () => {
  it('gives the claims after the request, and then what else the host gives', async () => {
    const handler = protect({}, (request, claims, context: { readonly id: string }, last: number) => ({
      given: [request, claims.oid, context, last],
    }));
    const request = requestWith(await issuer.token({ oid: 'ada' }));
    const context = { id: '1' };
    expect(await handler(request, context, 7)).toEqual({ given: [request, 'ada', context, 7] });
  });

  it('gives a check the request of Fetch, also where the first argument holds it', async () => {
    const raw = requestWith(await issuer.token());
    const context = { req: { raw } };
    const check = vi.fn((_claims: unknown, request: Request) => request.url === url);
    const inner = protect({ scope: 'access_as_user', check }, (first: typeof context) => ({ first }));
    // In the handler of another gate, the check is asked as a method's.
    const outer = protect({}, (first: typeof context) => inner(first));
    expect(await outer(context)).toEqual({ first: context });
    expect(await inner({ req: { raw: requestWith(await issuer.token()) } })).not.toBeInstanceOf(Response);
    expect(check.mock.calls.map(([, request]) => request)).toEqual([raw, expect.any(Request)]);
  });

  it('keeps the callers of requests apart that are handled at once', async () => {
    const handler = protect({}, async () => {
      await new Promise(setImmediate);
      return Response.json({ oid: getTokenClaims().oid });
    });
    const tokens = await Promise.all(['ada', 'bob', 'eve'].map((oid) => issuer.token({ oid })));
    const answers = await Promise.all(tokens.map(async (token) => (await handler(requestWith(token))).json()));
    expect(answers).toEqual([{ oid: 'ada' }, { oid: 'bob' }, { oid: 'eve' }]);
  });

  it('answers HEAD without a body', async () => {
    const response = await protect({}, () => new Response())(new Request(url, { method: 'HEAD' }));
    expect([response.status, response.body]).toEqual([401, null]);
  });

  it('answers what a helper or a protected method refuses inside, addressed to the caller', async () => {
    initialize({ ...issuer.options, resourceMetadata: { resource: 'https://api.example' } });
    class Reports {
      @RequiresRole('Admin')
      async remove() {
        return Promise.resolve('removed');
      }
    }
    const inside: readonly (() => unknown)[] = [
      () => new Reports().remove(),
      () => {
        throw new InsufficientScopeError('role');
      },
      () => {
        validateScope('write');
      },
    ];
    for (const act of inside) {
      const handler = protect({}, async () => Response.json(await act()));
      const response = await handler(requestWith(await issuer.token()));
      expect(response.status).toBe(403);
      expect(response.headers.get('www-authenticate')).toContain('resource_metadata="https://api.example/');
    }
  });

  it('leaves other errors to the host', async () => {
    const error = new RangeError('gone');
    const handler = protect({}, () => Promise.reject(error));
    expect(await errorOf(async () => handler(requestWith(await issuer.token())))).toBe(error);
  });

  it("hands refusals to the host where errors is 'forward'", async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const handler = protect({}, () => {
      validateScope('write');
    });
    await refuses(() => handler(new Request(url)), 'missing_token');
    await refuses(async () => handler(requestWith(await issuer.token())), 'scope', 'write');
  });

  it('is not satisfied by what another configuration verified', async () => {
    const partners = createMicrosoftIdentity(partnersIssuer.options);
    const handler = protect({}, () => new Response('ran'));
    const request = requestWith(await partnersIssuer.token());
    await partners.authenticate(request);
    expect((await handler(request)).status).toBe(401);
    const within = partners.protect({}, async (inner) => handler(inner));
    expect((await within(requestWith(await partnersIssuer.token()))).status).toBe(500);
    partners.close();
  });

  it('adds up with the gate around it, and judges a request within it by its own token', async () => {
    const admin = protect({ role: 'Admin' }, (_, { oid }) => Response.json({ oid }));
    const outer = protect({ scope: 'access_as_user' }, async (request, _, inner?: Request) => admin(inner ?? request));
    const [ada, root] = await Promise.all([
      issuer.token({ oid: 'ada' }),
      issuer.token({ oid: 'root', roles: ['Admin'], scp: 'other' }),
    ]);
    expect((await outer(requestWith(ada))).status).toBe(403);
    expect((await outer(requestWith(root))).status).toBe(403);
    const within = await outer(requestWith(ada), requestWith(root));
    expect([within.status, await within.json()]).toEqual([200, { oid: 'root' }]);
    expect((await outer(requestWith(await issuer.token({ roles: ['Admin'] })))).status).toBe(200);
  });

  it('runs in a test with the claims that the test gives, and judges nothing', async () => {
    const handler = protect({ role: 'Admin' }, (_, claims) => claims.oid);
    expect(await runAs({ oid: 'ada' }, () => handler(new Request(url)))).toBe('ada');
  });

  it('is refused without a request', async () => {
    const handler = protect({}, () => new Response());
    for (const first of [undefined, {}, new Response(), { headers: {}, method: 'GET' }, 'GET']) {
      const error = (await errorOf(() => handler(first as never))) as Error;
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error.message).toContain('was called without a request of Fetch');
    }
  });

  it('answers 500 where groups cannot be looked up, and does not run', async () => {
    initialize({ ...issuer.options, resolveGroups: () => Promise.reject(new Error('unplugged')) });
    const run = vi.fn(() => new Response());
    const response = await protect({ group: 'staff' }, run)(requestWith(await issuer.token({ hasgroups: true })));
    expect(response.status).toBe(500);
    expect(run).not.toHaveBeenCalled();
  });

  it('of a configuration checks against that', async () => {
    const partners = createMicrosoftIdentity(partnersIssuer.options);
    const handler = partners.protect({}, () => new Response());
    expect((await handler(requestWith(await partnersIssuer.token()))).status).toBe(200);
    expect((await handler(requestWith(await issuer.token()))).status).toBe(401);
  });
});
