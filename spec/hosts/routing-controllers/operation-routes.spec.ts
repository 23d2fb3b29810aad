import 'reflect-metadata';
import { Get, getMetadataArgsStorage, JsonController, Post } from 'routing-controllers';
import { routingControllersToSpec } from 'routing-controllers-openapi';
import { describe, expect, it } from 'vitest';
import {
  AllowAnonymous,
  initialize,
  operationRoutes,
  RequiresAuth,
  ValidateScope,
  withSecurity,
} from '../../../src/index.js';

@JsonController('/base')
@RequiresAuth()
class BaseController {
  @Get('/:city')
  report() {
    return {};
  }

  @Get('/overridden')
  overridden() {
    return {};
  }
}

@JsonController('/derived')
class DerivedController extends BaseController {
  @Post('/own')
  @ValidateScope('write')
  own() {
    return {};
  }

  @Get('/anew')
  @AllowAnonymous()
  override overridden() {
    return {};
  }

  @Get(/^\/pattern/)
  pattern() {
    return {};
  }
}

@JsonController()
class OtherController {
  @Get('/other')
  other() {
    return {};
  }
}

const listed = (options?: Parameters<typeof operationRoutes>[0]) =>
  operationRoutes(options).map(({ prototype, method, httpMethod, path }) => [
    prototype.constructor.name,
    method,
    httpMethod,
    path,
  ]);

describe('operationRoutes', () => {
  it('names own and inherited actions, under the class that serves them', () => {
    expect(listed({ controllers: [DerivedController] }).sort()).toEqual([
      ['DerivedController', 'overridden', 'get', '/derived/anew'],
      ['DerivedController', 'own', 'post', '/derived/own'],
      ['DerivedController', 'report', 'get', '/derived/:city'],
    ]);
  });

  it.each([
    ['/api', '/api/other'],
    ['api', '/api/other'],
    ['', '/other'],
  ])('puts the prefix %j before the path', (routePrefix, path) => {
    expect(listed({ controllers: [OtherController], routePrefix })).toEqual([
      ['OtherController', 'other', 'get', path],
    ]);
  });

  it('names every decorated class where none is listed', () => {
    const names = new Set(listed().map(([name]) => name));
    expect(names).toEqual(new Set(['BaseController', 'DerivedController', 'OtherController']));
  });

  it('gives each operation of a document what its route demands', () => {
    const identity = initialize({
      tenantId: 'aaaaaaaa-0000-4000-8000-000000000001',
      clientId: 'aaaaaaaa-0000-4000-8000-000000000002',
    });
    const options = { controllers: [BaseController, DerivedController, OtherController] };
    const spec = routingControllersToSpec(getMetadataArgsStorage(), options);
    const { paths } = withSecurity(spec, operationRoutes(options), { identity }) as unknown as {
      paths: Record<string, Record<string, { security?: unknown; responses: object }>>;
    };
    expect(paths['/base/{city}']?.['get']?.security).toEqual([{ entra: [] }]);
    expect(paths['/derived/own']?.['post']?.security).toEqual([
      { entra: ['api://aaaaaaaa-0000-4000-8000-000000000002/write'] },
    ]);
    expect(Object.keys(paths['/derived/own']?.['post']?.responses ?? {})).toEqual(
      expect.arrayContaining(['401', '403']),
    );
    expect(paths['/other']?.['get']?.security).toBeUndefined();
  });
});
