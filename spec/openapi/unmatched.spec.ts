/** What a document and the routes of an application do not have in common. */
import { Controller, Get, All, Module, Version, VersioningType } from '@nestjs/common';
import { NestFactory, RouterModule } from '@nestjs/core';
import 'reflect-metadata';
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import {
  ConfigurationError,
  initialize,
  operationRoutes,
  RequiresAuth,
  ValidateScope,
  withSecurity,
  type UnmatchedOperations,
} from '../../src/nestjs.js';
import { forgetIdentity, forgetWarnings } from '../support/isolation.js';

class Base {
  @Get('status')
  @ValidateScope('status.read')
  status() {
    return {};
  }
}

@Controller({ path: 'cats', version: '1' })
@RequiresAuth()
class CatsController extends Base {
  @Get(':id')
  @ValidateScope('cats.read')
  find() {
    return {};
  }
  @Get(':id')
  @Version('2')
  findNewer() {
    return {};
  }
  @All('any')
  any() {
    return {};
  }
}

@Controller('health')
class HealthController {
  @Get()
  health() {
    return {};
  }
}

@Module({ controllers: [CatsController] })
class CatsModule {}

@Module({
  imports: [CatsModule, RouterModule.register([{ path: 'animals', module: CatsModule }])],
  controllers: [HealthController],
})
class AppModule {}

async function routesOfApp() {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.setGlobalPrefix('api', { exclude: ['health'] });
  app.enableVersioning({ type: VersioningType.URI });
  return operationRoutes(app);
}

const { prototype } = CatsController;
const entra = (...scopes: string[]) => [{ entra: scopes.map((scope) => `api://${clientId}/${scope}`) }];
const clientId = 'de2656e6-585f-4684-8e65-3ce50a7770a8';

let emitWarning: MockInstance;
beforeEach(() => {
  forgetWarnings();
  emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  initialize({ tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2', clientId });
});
afterEach(() => {
  vi.restoreAllMocks();
  forgetIdentity();
});

describe('operationRoutes of Nest', () => {
  it('has the prefix, the version and the path of the module, and inherited routes', async () => {
    const routes = await routesOfApp();
    expect(
      routes.map(({ httpMethod, path, method }) => `${String(httpMethod)} ${String(path)} ${String(method)}`),
    ).toEqual([
      'get /health health',
      'get /api/v1/animals/cats/:id find',
      'get /api/v2/animals/cats/:id findNewer',
      'all /api/v1/animals/cats/any any',
      'get /api/v1/animals/cats/status status',
    ]);
  });

  it('describes each operation of such an application, and nothing is left over', async () => {
    const document = {
      paths: {
        '/health': { get: {} },
        '/api/v1/animals/cats/{id}': { get: {} },
        '/api/v2/animals/cats/{id}': { get: {} },
        '/api/v1/animals/cats/any': { get: {}, post: {} },
        '/api/v1/animals/cats/status': { get: {} },
      },
    };
    const { paths } = withSecurity(document, await routesOfApp());
    expect(paths['/api/v1/animals/cats/{id}'].get).toMatchObject({ security: entra('cats.read') });
    expect(paths['/api/v2/animals/cats/{id}'].get).toMatchObject({ security: entra() });
    expect(paths['/api/v1/animals/cats/any'].post).toMatchObject({ security: entra() });
    expect(paths['/api/v1/animals/cats/status'].get).toMatchObject({ security: entra('status.read') });
    expect(paths['/health'].get).toEqual({});
    expect(emitWarning).not.toHaveBeenCalled();
  });

  it('takes no other value than an application', () => {
    expect(() => operationRoutes(AppModule as never)).toThrow(ConfigurationError);
  });
});

describe('a document that does not match the routes', () => {
  const routes = [
    { prototype, method: 'find', httpMethod: 'get', path: '/v1/cats/:id' },
    { prototype, method: 'status', operationId: 'CatsController_status' },
    { prototype, method: 'preflight', httpMethod: 'options', path: '/v1/cats' },
  ];
  const document = { paths: { '/cats/{id}': { get: {} }, '/status': { get: { operationId: 'status' } } } };
  const expected: UnmatchedOperations = {
    operations: ['GET /cats/{id}', 'GET /status'],
    routes: ['GET /v1/cats/:id (CatsController.find)', 'CatsController_status (CatsController.status)'],
  };

  it('is reported once, by a warning', () => {
    for (const _turn of ['first', 'second']) withSecurity(document, routes);
    expect(emitWarning).toHaveBeenCalledOnce();
    const [message] = emitWarning.mock.calls[0] as [string];
    for (const name of [...expected.operations, ...expected.routes]) expect(message).toContain(name);
  });

  it('is handed to onUnmatched, which may stop a build', () => {
    const onUnmatched = vi.fn();
    withSecurity(document, routes, { onUnmatched });
    expect(onUnmatched).toHaveBeenCalledExactlyOnceWith(expected);
    expect(emitWarning).not.toHaveBeenCalled();
    const stop = () => {
      throw new Error('stop');
    };
    expect(() => withSecurity(document, routes, { onUnmatched: stop })).toThrow('stop');
    expect(() => withSecurity(document, routes, { onUnmatched: 'throw' as never })).toThrow(ConfigurationError);
  });
});
