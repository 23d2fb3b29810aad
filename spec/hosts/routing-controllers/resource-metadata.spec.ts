import express from 'express';
import type { ErrorRequestHandler } from 'express';
import Koa from 'koa';
import 'reflect-metadata';
import { Get, JsonController, useExpressServer, useKoaServer } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ClaimsChallengeError,
  ConfigurationError,
  createMicrosoftIdentity,
  initialize,
  InsufficientScopeError,
  RequiresAuth,
  RequiresB2cAuth,
  resourceMetadataController,
  ValidateScope,
  validateScope,
  type AuthError,
  type IdentityOptions,
} from '../../../src/index.js';
import { startTestIssuer } from '../../../src/testing.js';
import { expectRefusal, listen, serve, type Api } from '../../support/api.js';

const issuer = await startTestIssuer();
afterAll(() => issuer.close());

const { tenantId, clientId, instance } = issuer.options;
const resource = 'https://api.fabrikam.example/v1';
const metadataUrl = 'https://api.fabrikam.example/.well-known/oauth-protected-resource/v1';
const wellKnown = '/.well-known/oauth-protected-resource/v1';
const resourceMetadata = { resource, scopes: ['access_as_user', 'api://other/write'], name: 'Weather' };
const pointer = `resource_metadata="${metadataUrl}"`;
const asked = `scope="api://${clientId}/access_as_user"`;

const partners = createMicrosoftIdentity({
  ...issuer.options,
  resourceMetadata: { resource: 'https://partners.fabrikam.example/' },
});

/** Thrown again and again. */
const sameError = new InsufficientScopeError('role');

@JsonController('/notes')
class NotesController {
  @Get('/')
  @RequiresAuth()
  @ValidateScope('access_as_user')
  list() {
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    return {};
  }

  @Get('/throws')
  @RequiresAuth()
  throws() {
    validateScope('write');
  }

  @Get('/throws-the-same')
  @RequiresAuth()
  throwsTheSame() {
    throw sameError;
  }

  @Get('/challenge')
  @RequiresAuth()
  challenge() {
    throw new ClaimsChallengeError({ access_token: { acrs: null } });
  }

  @Get('/partners')
  @partners.RequiresAuth()
  partners() {
    return {};
  }
}

const configure = (options: IdentityOptions = {}) => initialize({ ...issuer.options, resourceMetadata, ...options });

function serveOnExpress(): Promise<Api> {
  configure();
  return serve([NotesController, resourceMetadataController()]);
}

function serveOnKoa(): Promise<Api> {
  configure();
  const app = new Koa();
  app.silent = true;
  useKoaServer(app, { controllers: [NotesController, resourceMetadataController()] });
  const handle = app.callback();
  return listen((request, response) => void handle(request, response));
}

beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  configure();
});
afterEach(() => {
  issuer.setFault();
  vi.restoreAllMocks();
});

describe.each([
  ['Express', serveOnExpress],
  ['Koa', serveOnKoa],
])('resource metadata on %s', (_, start) => {
  let api: Api;
  beforeAll(async () => {
    api = await start();
  });
  afterAll(() => api.close());

  const challengeOf = async (path: string, token?: Promise<string>) => {
    const answer = await api.call(path, token === undefined ? {} : { token: await token });
    return [answer.status, answer.headers['www-authenticate']];
  };

  it('answers every caller, from any origin', async () => {
    const answer = await api.call(wellKnown);
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, '*']);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.body).toEqual({
      resource,
      authorization_servers: [`${instance}/${tenantId}/v2.0`],
      bearer_methods_supported: ['header'],
      scopes_supported: [`api://${clientId}/access_as_user`, 'api://other/write'],
      resource_name: 'Weather',
    });
  });

  it('appears alone in the challenge to a caller without a token', async () => {
    expect(await challengeOf('/notes')).toEqual([401, `Bearer ${asked}, ${pointer}`]);
  });

  it('lets browsers ask from any origin, with the headers of MCP clients', async () => {
    const headers = { origin: 'https://client.example', 'access-control-request-method': 'GET' };
    const answer = await api.call(wellKnown, { method: 'OPTIONS', headers });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': 'MCP-Protocol-Version, Authorization',
    });
  });

  it('appears last in the challenge of 401, 403 and 400', async () => {
    expect(await challengeOf('/notes', issuer.token({ exp: 1 }))).toEqual([
      401,
      `Bearer error="invalid_token", error_description="The access token expired.", ${asked}, ${pointer}`,
    ]);
    const missingScope = 'The access token does not carry the scope this request needs.';
    expect(await challengeOf('/notes', issuer.token({ scp: 'other' }))).toEqual([
      403,
      `Bearer error="insufficient_scope", error_description="${missingScope}", ${asked}, ${pointer}`,
    ]);
    const twice = await api.call('/notes', { headers: { authorization: ['Bearer a', 'Bearer b'] } });
    expect([twice.status, twice.headers['www-authenticate']]).toEqual([
      400,
      `Bearer error="invalid_request", ${pointer}`,
    ]);
  });

  it('appears in the challenge of what an action throws', async () => {
    const missingScope = 'The access token does not carry the scope this request needs.';
    expect(await challengeOf('/notes/throws', issuer.token())).toEqual([
      403,
      `Bearer error="insufficient_scope", error_description="${missingScope}", scope="api://other/write", ${pointer}`,
    ]);
    expect(await challengeOf('/notes/challenge', issuer.token({ xms_cc: ['cp1'] }))).toEqual([
      401,
      `Bearer realm="${tenantId}", authorization_uri="${instance}/${tenantId}/oauth2/v2.0/authorize", ` +
        `error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6bnVsbH19", ${pointer}`,
    ]);
  });

  it('appears once in an error that an action throws again', async () => {
    const missingRole = 'The access token does not carry the role this request needs.';
    for (const _turn of ['first', 'second']) {
      expect(await challengeOf('/notes/throws-the-same', issuer.token())).toEqual([
        403,
        `Bearer error="insufficient_scope", error_description="${missingRole}", ${pointer}`,
      ]);
    }
  });

  it('does not appear if there is no challenge', async () => {
    expectRefusal(await api.call('/notes/b2c', { token: await issuer.b2cToken() }), 'server_error');
    configure();
    issuer.setFault({ down: true });
    expectRefusal(await api.call('/notes', { token: await issuer.token() }), 'issuer_unavailable');
  });

  it('belongs to the configuration that refuses', async () => {
    const ofPartners = 'https://partners.fabrikam.example/.well-known/oauth-protected-resource';
    expect(await challengeOf('/notes/partners')).toEqual([401, `Bearer resource_metadata="${ofPartners}"`]);
    initialize(issuer.options);
    expect(await challengeOf('/notes/partners')).toEqual([401, `Bearer resource_metadata="${ofPartners}"`]);
    expect(await challengeOf('/notes')).toEqual([401, 'Bearer']);
  });
});

it('names the metadata in a forwarded challenge too', async () => {
  configure({ errors: 'forward' });
  const app = express();
  useExpressServer(app, { controllers: [NotesController], defaultErrorHandler: false });
  const handle: ErrorRequestHandler = (error: AuthError, _request, response, _next) => {
    response.status(error.status).set(error.headers).json(error);
  };
  app.use(handle);
  const api = await listen(app);
  const answer = await api.call('/notes');
  expect([answer.status, answer.headers['www-authenticate'], answer.headers['cache-control']]).toEqual([
    401,
    `Bearer ${asked}, ${pointer}`,
    'no-store',
  ]);
  expect(answer.body).toEqual({ error: 'missing_token', error_description: 'This request needs an access token.' });
  await api.close();
});

describe('resourceMetadataController', () => {
  it('throws if there is nothing to publish', () => {
    const identity = initialize(issuer.options);
    expect(identity.resourceMetadata).toBeUndefined();
    expect(() => resourceMetadataController()).toThrow(ConfigurationError);
    expect(() => resourceMetadataController(identity)).toThrow(
      'resourceMetadataController() needs the option resourceMetadata of initialize().',
    );
  });

  it('publishes each of two configurations at the path of its own resource', async () => {
    const api = await serve([
      resourceMetadataController(configure()),
      resourceMetadataController(partners),
      resourceMetadataController(
        createMicrosoftIdentity({
          b2c: { ...issuer.b2cOptions, customDomain: 'login.fabrikam.example' },
          resourceMetadata: {
            resource: 'https://api.fabrikam.example/shop/',
            scopes: ['read'],
            documentation: 'https://docs.fabrikam.example/shop',
          },
        }),
      ),
    ]);
    expect((await api.call(wellKnown)).body).toMatchObject({ resource });
    expect((await api.call('/.well-known/oauth-protected-resource')).body).toEqual({
      resource: 'https://partners.fabrikam.example/',
      authorization_servers: [`${instance}/${tenantId}/v2.0`],
      bearer_methods_supported: ['header'],
    });
    expect((await api.call('/.well-known/oauth-protected-resource/shop')).body).toEqual({
      resource: 'https://api.fabrikam.example/shop/',
      authorization_servers: [
        'https://login.fabrikam.example/contoso.onmicrosoft.com/B2C_1_susi/v2.0',
        'https://login.fabrikam.example/contoso.onmicrosoft.com/B2C_1A_signin/v2.0',
      ],
      bearer_methods_supported: ['header'],
      scopes_supported: [`https://contoso.onmicrosoft.com/${issuer.b2cOptions.clientId}/read`],
      resource_documentation: 'https://docs.fabrikam.example/shop',
    });
    await api.close();
  });

  it('returns a frozen document', () => {
    const { resourceMetadata: document } = configure();
    expect(Object.isFrozen(document)).toBe(true);
    expect(Object.isFrozen(document?.authorization_servers)).toBe(true);
  });
});
