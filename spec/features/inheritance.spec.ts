import 'reflect-metadata';
import { Get, JsonController, Param, UseBefore } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AllowAnonymous,
  ConfigurationError,
  initialize,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  type AccessTokenClaims,
} from '../../src/index.js';
import { runAs, startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, expressReleases, serve, type Api, type Refusal } from '../support/api.js';

/** Bears everything on its methods. */
abstract class MethodBase {
  @Get('/who')
  @RequiresAuth()
  who(@TokenClaims() claims: AccessTokenClaims, @TokenClaims('sub') sub: string) {
    return { by: 'base', same: claims.sub === sub, sub };
  }

  @Get('/overridden')
  @RequiresAuth()
  @ValidateScope('read')
  overridden(): object {
    return { by: 'base' };
  }

  @Get('/redeclared')
  @RequiresAuth()
  @ValidateScope('read')
  redeclared(): object {
    return { by: 'base' };
  }

  @Get('/super')
  @RequiresAuth()
  viaSuper(): object {
    return { by: 'base' };
  }

  @Get('/lifted')
  @RequiresAuth()
  lifted(): object {
    return { by: 'base' };
  }
}

@JsonController('/plain-child')
class PlainChild extends MethodBase {
  override overridden() {
    return { by: 'child' };
  }

  @Get('/redeclared')
  override redeclared() {
    return { by: 'child' };
  }

  @Get('/super')
  @ValidateScope('write')
  override viaSuper() {
    return { by: 'child', base: super.viaSuper() };
  }

  @AllowAnonymous()
  @Get('/lifted')
  override lifted() {
    return { by: 'child', base: super.lifted() };
  }

  @Get('/own')
  own() {
    return { by: 'child' };
  }

  @Get('/own-claims/:id')
  ownClaims(@TokenClaims() claims: AccessTokenClaims | undefined, @Param('id') id: string) {
    return { id, claims: claims ?? 'none' };
  }
}

@JsonController('/grandchild')
class Grandchild extends PlainChild {}

/** Bears everything on the class. */
@RequiresAuth()
@ValidateScope('read')
abstract class ClassBase {
  @Get('/who')
  who(@TokenClaims('sub') sub: string): object {
    return { by: 'base', sub };
  }

  @Get('/health')
  @AllowAnonymous()
  health(): object {
    return { by: 'base' };
  }
}

@JsonController('/class-child')
class ClassChild extends ClassBase {
  @Get('/own')
  own(@TokenClaims() claims: AccessTokenClaims) {
    return { by: 'child', sub: claims.sub };
  }

  @Get('/open')
  @AllowAnonymous()
  open() {
    return { by: 'child' };
  }
}

@RequiresRole('Admin')
@RequiresAuth()
@JsonController('/stricter-child')
class StricterChild extends ClassBase {}

@AllowAnonymous()
@JsonController('/open-child')
class OpenChild extends ClassBase {
  @RequiresAuth()
  @Get('/closed')
  closed() {
    return { by: 'child' };
  }
}

@RequiresB2cAuth({ policy: 'B2C_1_susi' })
@JsonController('/b2c-child')
class B2cChild extends ClassBase {
  @Get('/policy')
  @RequiresB2cAuth()
  policy() {
    return { by: 'child' };
  }
}

/** Bears nothing; the child does. */
abstract class OpenBase {
  @Get('/who')
  who(@TokenClaims('sub') sub: string | undefined): object {
    return { by: 'base', sub: sub ?? 'none' };
  }
}

let classMiddlewareRan = 0;

@JsonController('/closed-child')
@UseBefore((_request: unknown, _response: unknown, next: () => void) => {
  classMiddlewareRan++;
  next();
})
@RequiresAuth()
class ClosedChild extends OpenBase {}

@JsonController('/open-sibling')
class OpenSibling extends OpenBase {}

const controllers = [PlainChild, Grandchild, ClassChild, StricterChild, OpenChild, B2cChild, ClosedChild, OpenSibling];

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

describe.each(expressReleases)('inherited requirements, $release', ({ express }) => {
  let api: Api;
  beforeAll(async () => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    api = await serve(controllers, { express });
  });
  beforeEach(() => {
    classMiddlewareRan = 0;
  });
  afterAll(() => api.close());

  const sub = 'v2-pairwise-subject';
  const readNeeded: Refusal = { insufficientScope: 'scope', scope: 'read' };

  it.each([
    '/plain-child/who',
    '/plain-child/overridden',
    '/plain-child/redeclared',
    '/plain-child/super',
    '/grandchild/who',
    '/grandchild/overridden',
    '/grandchild/redeclared',
    '/grandchild/super',
    '/class-child/who',
    '/class-child/own',
    '/stricter-child/who',
    // What a base class lifts, a nearer class can demand again.
    '/stricter-child/health',
    '/open-child/closed',
    '/b2c-child/who',
    '/b2c-child/policy',
    '/closed-child/who',
  ])('keep %s shut for an anonymous caller', async (path) => {
    expectRefusal(await api.call(path), 'missing_token');
  });

  it.each([
    ['/plain-child/who', { scp: 'any' }, { by: 'base', same: true, sub }],
    ['/plain-child/overridden', { scp: 'read' }, { by: 'child' }],
    ['/plain-child/redeclared', { scp: 'read' }, { by: 'child' }],
    ['/plain-child/super', { scp: 'write' }, { by: 'child', base: { by: 'base' } }],
    ['/grandchild/who', { scp: 'any' }, { by: 'base', same: true, sub }],
    ['/grandchild/super', { scp: 'write' }, { by: 'child', base: { by: 'base' } }],
    ['/class-child/who', { scp: 'read' }, { by: 'base', sub }],
    ['/class-child/own', { scp: 'read' }, { by: 'child', sub }],
    ['/stricter-child/who', { scp: 'read', roles: ['Admin'] }, { by: 'base', sub }],
    ['/open-child/closed', { scp: 'any' }, { by: 'child' }],
    ['/closed-child/who', { scp: 'any' }, { by: 'base', sub }],
  ])('let the right caller into %s, claims filled', async (path, claims, body) => {
    const answer = await api.call(path, { token: await issuer.token(claims) });
    expect([answer.status, answer.body]).toEqual([200, body]);
  });

  it.each<[string, object, Refusal]>([
    ['/plain-child/overridden', { scp: 'write' }, readNeeded],
    ['/plain-child/redeclared', { scp: 'write' }, readNeeded],
    ['/plain-child/super', { scp: 'read' }, { insufficientScope: 'scope', scope: 'write' }],
    ['/grandchild/overridden', { scp: 'write' }, readNeeded],
    ['/class-child/who', { scp: 'write' }, readNeeded],
    ['/class-child/own', { scp: 'write' }, readNeeded],
    ['/stricter-child/who', { scp: 'read' }, { insufficientScope: 'role' }],
    ['/stricter-child/who', { scp: 'write', roles: ['Admin'] }, readNeeded],
  ])('add up over %s: %j is refused', async (path, claims, refusal) => {
    expectRefusal(await api.call(path, { token: await issuer.token({ ...claims }) }), refusal);
  });

  it.each([
    ['/plain-child/lifted', { by: 'child', base: { by: 'base' } }],
    ['/plain-child/own', { by: 'child' }],
    ['/plain-child/own-claims/7', { id: '7', claims: 'none' }],
    ['/class-child/open', { by: 'child' }],
    ['/class-child/health', { by: 'base' }],
    ['/open-child/who', { by: 'base' }],
    ['/open-child/health', { by: 'base' }],
    ['/open-sibling/who', { by: 'base', sub: 'none' }],
  ])('leave %s open', async (path, body) => {
    const answer = await api.call(path);
    expect([answer.status, answer.body]).toEqual([200, body]);
  });

  it('let the class of the child choose the scheme', async () => {
    const susi = await issuer.b2cToken({ scp: 'read' });
    const other = await issuer.b2cToken({ scp: 'read', tfp: 'B2C_1A_signin' });
    expect((await api.call('/b2c-child/who', { token: susi })).status).toBe(200);
    expectRefusal(await api.call('/b2c-child/who', { token: other }), { invalidToken: 'policy' });
    expectRefusal(await api.call('/b2c-child/who', { token: await issuer.token({ scp: 'read' }) }), {
      invalidToken: 'policy',
    });
  });

  it('are not widened by a method that names no policy', async () => {
    const other = await issuer.b2cToken({ scp: 'read', tfp: 'B2C_1A_signin' });
    expectRefusal(await api.call('/b2c-child/policy', { token: other }), { invalidToken: 'policy' });
  });

  it('stand before the middleware of the child', async () => {
    await api.call('/closed-child/who');
    expect(classMiddlewareRan).toBe(0);
  });
});

describe('inherited methods called without a gate', () => {
  const unfilled = undefined as never;

  it.each<[string, () => unknown]>([
    ['inherited from a protected method', () => new Grandchild().who(unfilled, unfilled)],
    ['inherited from a protected class', () => new ClassChild().who(unfilled)],
    ['protected by the child alone', () => new ClosedChild().who(unfilled)],
  ])('refuse: %s', (_, call) => {
    expect(call).toThrow(ConfigurationError);
    expect(runAs({ sub: 'me' }, call)).toMatchObject({ by: 'base', sub: 'me' });
  });

  it('do not refuse where the requirement was lifted, or where a sibling is protected', () => {
    expect(new PlainChild().lifted()).toEqual({ by: 'child', base: { by: 'base' } });
    expect(new OpenChild().who('given')).toMatchObject({ by: 'base', sub: 'given' });
    expect(new OpenSibling().who('given')).toEqual({ by: 'base', sub: 'given' });
  });
});
