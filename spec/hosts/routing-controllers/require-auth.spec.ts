/** The option `requireAuth`: what no decorator protects demands a valid token. */
import { fileURLToPath } from 'node:url';
import 'reflect-metadata';
import { Authorized, Get, JsonController, Post, UseBefore } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  ConfigurationError,
  createMicrosoftIdentity,
  getTokenClaims,
  initialize,
  operationRoutes,
  RequiresRole,
  resourceMetadataController,
  TokenClaims,
  withSecurity,
} from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, type Api } from '../../support/api.js';
import { forgetWarnings } from '../../support/isolation.js';
import { checkers, hosts } from './existing-app.js';

let issuer: TestIssuer;
let warnings: string[];
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  warnings = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => warnings.push(String(warning)));
  ran.length = 0;
  initialize({ ...issuer.options, requireAuth: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const ran: string[] = [];

const run = (name: string) => {
  ran.push(name);
  return { name };
};

/** A middleware of either framework, which takes `next` last. */
function note(...parameters: unknown[]): unknown {
  ran.push('middleware');
  return (parameters.at(-1) as () => unknown)();
}

class Base {
  @Get('/inherited')
  inherited() {
    return run('inherited');
  }

  @Get('/inherited-authorized')
  @Authorized()
  inheritedAuthorized() {
    return run('inheritedAuthorized');
  }
}

@JsonController('/notes')
@UseBefore(note)
class NotesController extends Base {
  @Get('/forgotten')
  forgotten() {
    return { ...run('forgotten'), sub: getTokenClaims().sub };
  }

  @Get('/claims')
  claims(@TokenClaims('sub') sub: string) {
    return { sub };
  }

  @Post('/created')
  created() {
    return run('created');
  }

  @Get('/open')
  @AllowAnonymous()
  open() {
    return run('open');
  }

  @Get('/admin')
  @RequiresRole('Admin')
  admin() {
    return run('admin');
  }

  @Get('/authorized')
  @Authorized('Editor')
  authorized() {
    return run('authorized');
  }
}

@AllowAnonymous()
class OpenBase {
  @Get('/status')
  status() {
    return run('status');
  }
}

@JsonController('/open')
class OpenController extends OpenBase {}

const controllers = [NotesController, OpenController];

describe.each(hosts)('requireAuth on $host', ({ start }) => {
  let api: Api | undefined;
  afterEach(() => api?.close());

  it('closes actions without a decorator, declared or inherited, before class middleware', async () => {
    api = await start({ controllers });
    for (const path of ['/notes/forgotten', '/notes/inherited', '/notes/claims']) {
      expectRefusal(await api.call(path), 'missing_token');
    }
    expectRefusal(await api.call('/notes/created', { method: 'POST', body: '{' }), 'missing_token');
    expectRefusal(await api.call('/notes/forgotten', { token: await issuer.token({ aud: 'api://other' }) }), {
      invalidToken: 'audience',
    });
    expect(ran).toEqual([]);
  });

  it('lets a valid token in, and runs the action in its request', async () => {
    api = await start({ controllers });
    const sub = 'ada';
    const token = await issuer.token({ sub });
    expect((await api.call('/notes/forgotten', { token })).body).toEqual({ name: 'forgotten', sub });
    expect((await api.call('/notes/claims', { token })).body).toEqual({ sub });
    expect((await api.call('/notes/inherited', { token })).status).toBe(200);
  });

  it('leaves open what has or inherits @AllowAnonymous(), and what decorators demand as it is', async () => {
    api = await start({ controllers });
    expect((await api.call('/notes/open')).body).toEqual({ name: 'open' });
    expect((await api.call('/open/status')).body).toEqual({ name: 'status' });
    expectRefusal(await api.call('/notes/admin', { token: await issuer.token() }), { insufficientScope: 'role' });
  });

  it('leaves open a controller of another package that @AllowAnonymous() is applied to', async () => {
    @JsonController('/probes')
    class ThirdPartyController {
      @Get('/alive')
      alive() {
        return run('alive');
      }
    }
    AllowAnonymous()(ThirdPartyController);
    api = await start({ controllers: [ThirdPartyController] });
    expect((await api.call('/probes/alive')).body).toEqual({ name: 'alive' });
  });

  it('leaves the resource metadata open', async () => {
    const resource = 'https://api.example';
    initialize({ ...issuer.options, requireAuth: true, resourceMetadata: { resource } });
    api = await start({ controllers: [NotesController, resourceMetadataController()] });
    expect((await api.call('/.well-known/oauth-protected-resource')).body).toMatchObject({ resource });
  });

  it('counts @Authorized() as a demand of its checker, inherited or not', async () => {
    api = await start({ ...checkers(), controllers });
    const editor = await issuer.token({ roles: ['Editor'] });
    expectRefusal(await api.call('/notes/authorized', { token: await issuer.token() }), { insufficientScope: 'role' });
    expect((await api.call('/notes/authorized', { token: editor })).status).toBe(200);
    expectRefusal(await api.call('/notes/inherited-authorized'), 'missing_token');
    expectRefusal(await api.call('/notes/forgotten'), 'missing_token');
  });

  it('leaves an action to a checker of the application only where routing-controllers asks it', async () => {
    const asked: unknown[] = [];
    const authorizationChecker = (action: { request: { headers: Record<string, unknown> } }) => {
      asked.push(action.request.headers['x-api-key']);
      return true;
    };
    api = await start({ authorizationChecker, controllers });
    const headers = { 'x-api-key': 'key' };
    expect((await api.call('/notes/authorized', { headers })).status).toBe(200);
    expect(asked).toEqual(['key']);
    // Of an inherited action, routing-controllers drops what is on it.
    expectRefusal(await api.call('/notes/inherited-authorized', { headers }), 'missing_token');
    expect(asked).toHaveLength(1);
  });

  it('closes controllers that come after initialize', async () => {
    @JsonController('/late')
    class LateController {
      @Get('/forgotten')
      forgotten() {
        return run('late');
      }
    }
    api = await start({ controllers: [LateController] });
    expectRefusal(await api.call('/late/forgotten'), 'missing_token');
    expect((await api.call('/late/forgotten', { token: await issuer.token() })).status).toBe(200);
  });

  it('answers 500 to an action whose app was created before it', async () => {
    initialize(issuer.options);
    api = await start({ controllers });
    expect((await api.call('/notes/inherited')).status).toBe(200);
    initialize({ ...issuer.options, requireAuth: true });
    ran.length = 0;
    expectRefusal(await api.call('/notes/inherited', { token: await issuer.token() }), 'server_error');
    expect(ran).not.toContain('inherited');
    expect(warnings.at(-1)).toContain('Call initialize() before createExpressServer()');
    expect((await api.call('/notes/open')).status).toBe(200);
  });

  it('answers 500 where both authorities are configured and the action names none', async () => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions, requireAuth: true });
    api = await start({ controllers });
    expectRefusal(await api.call('/notes/forgotten', { token: await issuer.token() }), 'server_error');
    expect(warnings.at(-1)).toContain('NotesController.forgotten names no scheme');
  });
});

describe('requireAuth', () => {
  it.each(hosts.slice(0, 1))('closes controllers that a glob finds', async ({ start }) => {
    const glob = fileURLToPath(new URL('globbed-*.js', import.meta.url));
    const api = await start({ controllers: [glob] });
    try {
      expectRefusal(await api.call('/globbed/forgotten'), 'missing_token');
      const token = await issuer.token();
      expect((await api.call('/globbed/forgotten', { token })).body).toEqual({ name: 'globbed' });
    } finally {
      await api.close();
    }
  });

  it('is in the document of OpenAPI: no action is open that answers 401', () => {
    const paths = Object.fromEntries(
      ['forgotten', 'open', 'inherited'].map((name) => [`/notes/${name}`, { get: { responses: {} } }]),
    );
    const document = { paths, security: [{ key: [] }] };
    const securityOf = (identity?: Parameters<typeof withSecurity>[2]) => {
      const secured = withSecurity(document, operationRoutes({ controllers }), identity);
      return Object.values(secured.paths).map(({ get }) => (get as { security?: unknown }).security);
    };
    expect(securityOf()).toEqual([[{ entra: [] }], [], [{ entra: [] }]]);
    // A separate configuration describes its own routes alone, and opens none of the others.
    const identity = createMicrosoftIdentity(issuer.options);
    expect(securityOf({ identity })).toEqual([undefined, [], undefined]);
    initialize(issuer.options);
    expect(securityOf()).toEqual([[], [], []]);
  });

  it('is no option of a separate configuration', () => {
    const create = () => createMicrosoftIdentity({ ...issuer.options, requireAuth: true });
    expect(create).toThrow(ConfigurationError);
    expect(create).toThrow('createMicrosoftIdentity: requireAuth: is an option of initialize().');
  });
});
