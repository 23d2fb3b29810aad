import 'reflect-metadata';
import { Delete, Get, getMetadataArgsStorage, JsonController, Post } from 'routing-controllers';
import { OpenAPI, routingControllersToSpec } from 'routing-controllers-openapi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIdentity } from '../../src/core/identity.js';
import { decoratorsFor } from '../../src/decorators/decorators.js';
import { bindAuthenticator } from '../../src/gate/identity-in-force.js';
import { routingControllers } from '../../src/hosts/routing-controllers/binding.js';
import {
  AllowAnonymous,
  ClaimCheck,
  ConfigurationError,
  initialize,
  RequiresAnyAuth,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresClaim,
  RequiresRole,
  RequiresScopeOrAppPermission,
  ValidateScope,
} from '../../src/index.js';
import type { OperationRoute } from '../../src/openapi/operation-route.js';
import { securitySchemes } from '../../src/openapi/security-schemes.js';
import { withSecurity } from '../../src/openapi/with-security.js';
import { forgetIdentity } from '../support/isolation.js';

const tenantId = '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2';
const clientId = 'de2656e6-585f-4684-8e65-3ce50a7770a8';
const b2cTenantId = '0e9e0b0c-6a0b-4f0b-8a86-30e0a44f4d5e';
const b2cClientId = 'a5bbd1f4-9c1c-4f0e-93c3-6d24c2a1f3b0';
const api = `api://${clientId}`;
const b2cApi = `https://contoso.onmicrosoft.com/${b2cClientId}`;
const entra = { tenantId, clientId };
const b2c = {
  domainName: 'contoso',
  tenantId: b2cTenantId,
  clientId: b2cClientId,
  policies: ['B2C_1_susi', 'B2C_1A_signin'],
};

const partners = createIdentity({ tenantId, clientId: b2cClientId });
const boundPartners = bindAuthenticator(
  { ...partners, ready: () => partners.ready(), close: () => undefined },
  partners,
);
const { RequiresAuth: RequiresPartner } = decoratorsFor(routingControllers, partners);

class Base {
  @Get('/inherited')
  @ValidateScope('base')
  inherited() {
    return {};
  }
}

@JsonController('/weather')
@RequiresAuth()
class WeatherController extends Base {
  @Get('/:city')
  @ValidateScope('read', 'write')
  @ValidateScope('access_as_user')
  report() {
    return {};
  }

  @Get('/:id(\\d+)/days/:day?')
  days() {
    return {};
  }

  @Post('/')
  @OpenAPI({ operationId: 'addStation', security: [{ own: [] }], responses: { 403: { description: 'Mine.' } } })
  @RequiresRole('Admin', 'Owner')
  @RequiresClaim('department', 'finance', 'legal')
  @RequiresClaim('employee_level')
  @ClaimCheck(() => true)
  @RequiresScopeOrAppPermission({ scope: 'write', appPermission: 'Weather.Write.All' })
  add() {
    return {};
  }

  @Delete('/')
  @RequiresAuth({ callers: 'app' })
  @ValidateScope('Weather.Write.All')
  remove() {
    return {};
  }

  @Get('/status/open')
  @AllowAnonymous()
  open() {
    return {};
  }
}

@JsonController('/plain')
class PlainController {
  @Get('/open')
  open() {
    return {};
  }

  @Get('/partner')
  @RequiresPartner()
  @ValidateScope('orders')
  partner() {
    return {};
  }
}

@JsonController('/customers')
class CustomerController {
  @Get('/any')
  @RequiresAnyAuth()
  @ValidateScope('read')
  any() {
    return {};
  }

  @Get('/susi')
  @RequiresB2cAuth({ policy: 'b2c_1_SUSI' })
  susi() {
    return {};
  }

  @Get('/all')
  @RequiresB2cAuth()
  all() {
    return {};
  }
}

@JsonController('/undecided')
class UndecidedController {
  @Get('/')
  @ValidateScope('read')
  undecided() {
    return {};
  }
}

/** What an application's tool knows of the routes. */
function routesOf(controllers: readonly object[]): OperationRoute[] {
  const { actions } = getMetadataArgsStorage();
  return getMetadataArgsStorage()
    .controllers.filter(({ target }) => controllers.includes(target))
    .flatMap(({ target, route = '' }) =>
      actions
        .filter((action) => action.target === target)
        .map(({ type, method, route: path }) => ({
          prototype: (target as { prototype: object }).prototype,
          method,
          httpMethod: type,
          path: `${route}${typeof path === 'string' ? path : ''}`,
        })),
    );
}

interface Operation {
  readonly security?: unknown;
  readonly responses?: Readonly<Record<string, unknown>>;
  readonly 'x-required-roles'?: unknown;
  readonly 'x-required-claims'?: unknown;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, { readonly flows: { authorizationCode: { scopes: object } } }>>;
    readonly responses: Readonly<Record<string, unknown>>;
  };
  readonly security?: readonly unknown[];
}

function documentOf(controllers: readonly object[], additional: object = {}): Document {
  const storage = getMetadataArgsStorage();
  const actions = storage.actions.filter(({ target }) => controllers.includes(target));
  const documented: typeof storage = Object.create(storage, { actions: { value: actions } }) as typeof storage;
  return routingControllersToSpec(documented, {}, additional) as unknown as Document;
}

const secured = (controllers: readonly object[], options?: Parameters<typeof withSecurity>[2], additional?: object) =>
  withSecurity(documentOf(controllers, additional), routesOf(controllers), options);

beforeEach(() => {
  initialize(entra);
});
afterEach(() => {
  forgetIdentity();
});

describe('securitySchemes', () => {
  it('names the authorization code flow of the Entra tenant, with PKCE', () => {
    const identity = initialize(entra);
    expect(securitySchemes(identity, { scopes: { access_as_user: 'Read the weather' } })).toEqual({
      entra: {
        type: 'oauth2',
        description: 'An access token of Microsoft Entra ID.',
        flows: {
          authorizationCode: {
            authorizationUrl: `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/authorize`,
            tokenUrl: `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`,
            scopes: { [`${api}/access_as_user`]: 'Read the weather' },
            'x-usePkce': 'SHA-256',
          },
        },
      },
    });
  });

  it('names a scheme for each policy of B2C', () => {
    const schemes = securitySchemes(initialize({ b2c }), { scopes: { read: '' } });
    expect(Object.keys(schemes)).toEqual(['b2c-B2C_1_susi', 'b2c-B2C_1A_signin']);
    expect(schemes['b2c-B2C_1A_signin']?.flows.authorizationCode).toMatchObject({
      authorizationUrl: 'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1A_signin/oauth2/v2.0/authorize',
      tokenUrl: 'https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1A_signin/oauth2/v2.0/token',
      scopes: { [`${b2cApi}/read`]: '' },
    });
  });

  it('takes the host of a custom domain, a cloud and an External ID tenant', () => {
    const urlOf = (options: Parameters<typeof initialize>[0]) =>
      Object.values(securitySchemes(initialize(options))).map(
        ({ flows }) => flows.authorizationCode.authorizationUrl,
      )[0];
    expect(urlOf({ ...entra, instance: 'https://login.partner.microsoftonline.cn' })).toBe(
      `https://login.partner.microsoftonline.cn/${tenantId}/oauth2/v2.0/authorize`,
    );
    expect(urlOf({ ...entra, instance: 'https://contoso.ciamlogin.com' })).toBe(
      `https://contoso.ciamlogin.com/${tenantId}/oauth2/v2.0/authorize`,
    );
    expect(urlOf({ b2c: { ...b2c, customDomain: 'login.contoso.com' } })).toBe(
      'https://login.contoso.com/contoso.onmicrosoft.com/B2C_1_susi/oauth2/v2.0/authorize',
    );
  });

  it('takes Application ID URIs and a prefix', () => {
    const schemes = securitySchemes(initialize({ ...entra, b2c }), {
      scopes: { read: 'Read' },
      appIdUri: { entra: 'https://weather.contoso.com', b2c: 'https://contoso.onmicrosoft.com/weather' },
      prefix: 'weather-',
    });
    expect(Object.entries(schemes).map(([name, { flows }]) => [name, flows.authorizationCode.scopes])).toEqual([
      ['weather-entra', { 'https://weather.contoso.com/read': 'Read' }],
      ['weather-b2c-B2C_1_susi', { 'https://contoso.onmicrosoft.com/weather/read': 'Read' }],
      ['weather-b2c-B2C_1A_signin', { 'https://contoso.onmicrosoft.com/weather/read': 'Read' }],
    ]);
  });

  it('speaks of the configuration in force where none is given, and needs one', () => {
    expect(Object.keys(securitySchemes())).toEqual(['entra']);
    forgetIdentity();
    expect(() => securitySchemes()).toThrow(ConfigurationError);
  });

  it('finds what stands behind a configuration of its own', () => {
    expect(securitySchemes(boundPartners)['entra']?.flows.authorizationCode.tokenUrl).toBe(
      `https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`,
    );
  });
});

describe('withSecurity', () => {
  it('gives a protected operation the sets of scopes that satisfy it', () => {
    const { paths } = secured([WeatherController]);
    expect(paths['/weather/{city}']?.['get']?.security).toEqual([
      { entra: [`${api}/access_as_user`, `${api}/read`] },
      { entra: [`${api}/access_as_user`, `${api}/write`] },
    ]);
  });

  it('asks for no scope where none is demanded, or an application calls', () => {
    const { paths } = secured([WeatherController]);
    expect(paths['/weather/{id}/days/{day}']?.['get']?.security).toEqual([{ entra: [] }]);
    expect(paths['/weather/']?.['delete']?.security).toEqual([{ entra: [] }]);
  });

  it('replaces the security of an operation, and keeps its own answers', () => {
    const operation = secured([WeatherController]).paths['/weather/']?.['post'];
    expect(operation?.security).toEqual([{ entra: [`${api}/write`] }]);
    expect(operation?.['x-required-roles']).toEqual([['Admin', 'Owner']]);
    expect(operation?.['x-required-claims']).toEqual(
      expect.arrayContaining([
        { claim: 'department', values: ['finance', 'legal'] },
        { claim: 'employee_level' },
      ]) as unknown,
    );
    expect(operation?.['x-required-claims']).toHaveLength(2);
    expect(operation?.responses).toMatchObject({
      401: { $ref: '#/components/responses/AccessTokenRefused' },
      403: { description: 'Mine.' },
    });
  });

  it('lists every scope that is demanded, with what the options say of it', () => {
    const { securitySchemes: schemes } = secured([WeatherController], {
      scopes: { read: 'Read the weather' },
    }).components;
    expect(schemes['entra']?.flows.authorizationCode.scopes).toEqual({
      [`${api}/read`]: 'Read the weather',
      [`${api}/access_as_user`]: '',
      [`${api}/write`]: '',
    });
  });

  it('leaves an open operation alone', () => {
    const open = secured([WeatherController]).paths['/weather/status/open']?.['get'];
    expect(open).toEqual(documentOf([WeatherController]).paths['/weather/status/open']?.['get']);
  });

  it('lifts what the document demands of all from an open operation', () => {
    const controllers = [WeatherController, PlainController];
    const { paths } = secured(controllers, {}, { security: [{ entra: [] }] });
    expect(paths['/weather/status/open']?.['get']?.security).toEqual([]);
    expect(paths['/plain/open']?.['get']?.security).toEqual([]);
  });

  it('describes an inherited route, which the class that serves it protects', () => {
    const document = { paths: { '/weather/inherited': { get: {} } } };
    const route = {
      prototype: WeatherController.prototype,
      method: 'inherited',
      httpMethod: 'GET',
      path: '/weather/inherited',
    };
    expect(withSecurity(document, [route]).paths['/weather/inherited'].get).toMatchObject({
      security: [{ entra: [`${api}/base`] }],
    });
  });

  it('finds an operation by its id where no path is given', () => {
    const document = { paths: { '/v1/weather/{city}': { parameters: [], get: { operationId: 'Weather_report' } } } };
    const route = { prototype: WeatherController.prototype, method: 'report', operationId: 'Weather_report' };
    const item = withSecurity(document, [route]).paths['/v1/weather/{city}'];
    expect(item.get).toHaveProperty('security');
    expect(item.parameters).toEqual([]);
  });

  it('describes the route that was registered first where two share an address', () => {
    const document = { paths: { '/plain/{id}': { get: {} } } };
    const address = { httpMethod: 'get', path: '/plain/:name' };
    const { prototype } = PlainController;
    const routes = [
      { ...address, prototype, method: 'open' },
      { ...address, prototype: WeatherController.prototype, method: 'report' },
    ];
    expect(withSecurity(document, routes).paths['/plain/{id}'].get).toEqual({});
  });

  it('leaves alone what no route describes', () => {
    const document = { paths: { '/elsewhere': { get: { security: [{ key: [] }] } } }, security: [{ key: [] }] };
    expect(withSecurity(document, routesOf([WeatherController])).paths).toEqual(document.paths);
  });

  it('names each authority and policy that a route takes tokens of', () => {
    initialize({ ...entra, b2c });
    const { paths } = secured([CustomerController]);
    expect(paths['/customers/any']?.['get']?.security).toEqual([
      { entra: [`${api}/read`] },
      { 'b2c-B2C_1_susi': [`${b2cApi}/read`] },
      { 'b2c-B2C_1A_signin': [`${b2cApi}/read`] },
    ]);
    expect(paths['/customers/susi']?.['get']?.security).toEqual([{ 'b2c-B2C_1_susi': [] }]);
    expect(paths['/customers/all']?.['get']?.security).toEqual([{ 'b2c-B2C_1_susi': [] }, { 'b2c-B2C_1A_signin': [] }]);
  });

  it('keeps routes of another configuration for a call of its own', () => {
    const once = secured([WeatherController, PlainController]);
    expect(once.paths['/plain/partner']?.['get']).not.toHaveProperty('security');
    const routes = routesOf([WeatherController, PlainController]);
    const twice = withSecurity(once, routes, { identity: boundPartners, prefix: 'partners-' });
    expect(twice.paths['/plain/partner']?.['get']?.security).toEqual([
      { 'partners-entra': [`api://${b2cClientId}/orders`] },
    ]);
    expect(twice.paths['/weather/{city}']).toEqual(once.paths['/weather/{city}']);
    expect(Object.keys(twice.components.securitySchemes)).toEqual(['entra', 'partners-entra']);
  });

  it('takes a scope that is named like a member of every object', () => {
    class Odd {
      @ValidateScope('constructor')
      odd() {
        return {};
      }
    }
    const document = { paths: { '/odd': { get: {} } }, components: {} };
    const route = { prototype: Odd.prototype, method: 'odd', httpMethod: 'get', path: '/odd' };
    expect(withSecurity(document, [route]).components).toMatchObject({
      securitySchemes: { entra: { flows: { authorizationCode: { scopes: { [`${api}/constructor`]: '' } } } } },
    });
  });

  it('adds to the components of the document, and changes nothing of what it was given', () => {
    const document = documentOf([WeatherController], {
      components: { securitySchemes: { own: { type: 'http' } }, responses: { Own: { description: 'Own.' } } },
    });
    const before = structuredClone(document);
    const { components } = withSecurity(document, routesOf([WeatherController]));
    expect(document).toEqual(before);
    expect(Object.keys(components.securitySchemes)).toEqual(['own', 'entra']);
    expect(Object.keys(components.responses).sort()).toEqual(['AccessTokenInsufficient', 'AccessTokenRefused', 'Own']);
  });

  it('throws where a route asks for what is not configured, as its requests would be told', () => {
    expect(() => secured([CustomerController])).toThrow(
      new ConfigurationError(
        'CustomerController.any takes tokens of Entra ID and B2C, which are not both configured. ' +
          'Set tenantId, clientId and b2c, or use another scheme.',
      ),
    );
    initialize({ ...entra, b2c: { ...b2c, policies: ['B2C_1A_signin'] } });
    expect(() => secured([CustomerController])).toThrow(
      new ConfigurationError(
        'CustomerController.susi names a policy that is not among b2c.policies. Add it to that option, or correct its name.',
      ),
    );
  });

  it('throws where two authorities are configured, and a route does not say which', () => {
    initialize({ ...entra, b2c });
    expect(() => secured([UndecidedController])).toThrow(
      /^UndecidedController\.undecided names no scheme, and both Entra ID and B2C are configured\. Add @RequiresAuth/,
    );
  });
});
