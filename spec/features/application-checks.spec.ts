/** How often a check of the application is asked, and by whom. */
import 'reflect-metadata';
import { Authorized, Get, JsonController, Param, type RoutingControllersOptions } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { claimCheck, requiresAuth, requiresRole, requiresScope } from '../../src/express.js';
import {
  authorizationChecker,
  ClaimCheck,
  initialize,
  RequiresAuth,
  RequiresGroup,
  type AccessTokenClaims,
} from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, expressReleases, listen, serve, type Api } from '../support/api.js';
import { forgetWarnings } from '../support/isolation.js';

let issuer: TestIssuer;
let asked: string[];
let warnings: string[];
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  asked = [];
  warnings = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => warnings.push(String(warning)));
  initialize(issuer.options);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Asks whether the caller is the person of the path. */
const isOwner = ({ oid }: AccessTokenClaims, { params }: { params: Readonly<Record<string, string>> }) => {
  asked.push('owner');
  return oid === params['owner'];
};
const isActive = async ({ oid }: AccessTokenClaims) => {
  asked.push('active');
  await Promise.resolve();
  return oid !== 'blocked';
};

const ownerOnly = ClaimCheck(isOwner);

class Ledger {
  @ownerOnly
  read() {
    return 'read';
  }

  @ownerOnly
  @ClaimCheck(isActive)
  async write() {
    return Promise.resolve('write');
  }

  @ClaimCheck(isActive)
  writeNow() {
    return 'writeNow';
  }
}

const ledger = new Ledger();
const operations: Readonly<Record<string, () => unknown>> = {
  read: () => ledger.read(),
  readTwice: () => [ledger.read(), ledger.read()],
  write: () => ledger.write(),
  writeTwice: async () => [await ledger.write(), await ledger.write()],
  writeNow: () => ledger.writeNow(),
};

@JsonController('/:owner')
@RequiresAuth()
class AccountController {
  @Get('/checked/:operation')
  @ownerOnly
  async checked(@Param('operation') operation: string) {
    return { result: await operations[operation]?.() };
  }

  @Get('/unchecked/:operation')
  async unchecked(@Param('operation') operation: string) {
    return { result: await operations[operation]?.() };
  }

  @Get('/authorized')
  @Authorized('Admin')
  authorized() {
    return {};
  }

  @Get('/group')
  @RequiresGroup('staff')
  @ClaimCheck(isActive)
  group() {
    return {};
  }
}

describe.each(expressReleases)('a check of the application on $release', ({ express }) => {
  let api: Api | undefined;
  afterEach(() => api?.close());

  const start = async (options: RoutingControllersOptions = {}) => {
    const started = await serve([AccountController], { ...options, express });
    api = started;
    return (...given: Parameters<Api['call']>) => started.call(...given);
  };

  it('decides by the claims and the path', async () => {
    const call = await start();
    const token = await issuer.token({ oid: 'ada' });
    expect((await call('/ada/checked/none', { token })).status).toBe(200);
    expectRefusal(await call('/bob/checked/none', { token }), { insufficientScope: 'check' });
    expect(asked).toEqual(['owner', 'owner']);
  });

  it('is not asked again by a protected method with the same decorator', async () => {
    const call = await start();
    const token = await issuer.token({ oid: 'ada' });
    expect((await call('/ada/checked/readTwice', { token })).body).toEqual({ result: ['read', 'read'] });
    expect(asked).toEqual(['owner']);
    expect((await call('/ada/checked/writeTwice', { token })).body).toEqual({ result: ['write', 'write'] });
    expect(asked).toEqual(['owner', 'owner', 'active']);
  });

  it('is asked by a protected method that its route did not ask, with the same request', async () => {
    const call = await start();
    const token = await issuer.token({ oid: 'ada' });
    expect((await call('/ada/unchecked/readTwice', { token })).body).toEqual({ result: ['read', 'read'] });
    expect(asked).toEqual(['owner']);
    expectRefusal(await call('/bob/unchecked/read', { token }), { insufficientScope: 'check' });
    expectRefusal(await call('/blocked/unchecked/write', { token: await issuer.token({ oid: 'blocked' }) }), {
      insufficientScope: 'check',
    });
  });

  it('cannot be awaited by a method that is not async', async () => {
    const call = await start();
    expectRefusal(await call('/ada/unchecked/writeNow', { token: await issuer.token({ oid: 'ada' }) }), 'server_error');
    expect(warnings.at(-1)).toContain('Ledger.writeNow requires something that has to be asked');
  });

  it('is asked after groups that are looked up', async () => {
    initialize({
      ...issuer.options,
      resolveGroups: () => {
        asked.push('groups');
        return ['staff'];
      },
    });
    const call = await start();
    expect((await call('/ada/group', { token: await issuer.token({ hasgroups: true }) })).status).toBe(200);
    expect(asked).toEqual(['groups', 'active']);
  });

  it('is asked once in a chain of middlewares, and claimCheck too', async () => {
    initialize({
      ...issuer.options,
      claimCheck: () => {
        asked.push('all');
        return true;
      },
    });
    const app = express();
    app.get(
      '/:owner',
      requiresAuth(),
      claimCheck(isOwner),
      requiresScope('access_as_user'),
      requiresRole('Admin'),
      (_request, response) => {
        response.json({});
      },
    );
    api = await listen(app);
    const token = await issuer.token({ oid: 'ada', roles: ['Admin'] });
    expect((await api.call('/ada', { token })).status).toBe(200);
    expect(asked).toEqual(['all', 'owner']);
  });

  it('is asked of @Authorized() as claimCheck, once', async () => {
    initialize({
      ...issuer.options,
      claimCheck: ({ oid }) => {
        asked.push('all');
        return oid !== 'blocked';
      },
    });
    const call = await start({ authorizationChecker: authorizationChecker() });
    const tokenOf = (oid: string) => issuer.token({ oid, roles: ['Admin'] });
    expect((await call('/ada/authorized', { token: await tokenOf('ada') })).status).toBe(200);
    expect(asked).toEqual(['all']);
    expectRefusal(await call('/ada/authorized', { token: await tokenOf('blocked') }), { insufficientScope: 'check' });
  });

  it('tells the developer which check failed, and the caller no more than server_error', async () => {
    initialize({
      ...issuer.options,
      claimCheck: () => {
        throw new RangeError('m4rk3r');
      },
    });
    const call = await start();
    expectRefusal(await call('/ada/unchecked/none', { token: await issuer.token() }), 'server_error');
    expect(warnings).toEqual([
      'The check of initialize({ claimCheck }) threw an error (RangeError). A check returns true or false.',
    ]);
  });
});
