import { applyDecorators, Controller, Get, Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import 'reflect-metadata';
import { describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  initialize,
  MICROSOFT_IDENTITY,
  MicrosoftIdentityModule,
  RequiresAuth,
  RequiresRole,
  withSecurity,
  type IdentityOptions,
  type MicrosoftIdentity,
} from '../../../src/nestjs.js';
import type { TestIssuer } from '../../../src/testing.js';
import { expectRefusal } from '../../support/api.js';
import { forgetIdentity } from '../../support/isolation.js';
import { issuer, platforms, serve, started, subject, useIssuer, warnings } from './application.js';
import { BareController, UndecoratedController, WeatherController } from './controllers.js';

useIssuer();

const AdminOnly = () => applyDecorators(Injectable(), RequiresAuth(), RequiresRole('Admin'));

@AdminOnly()
class Ledger {
  read() {
    return { entries: 1 };
  }
}

@Injectable()
class YearLedger extends Ledger {
  override read() {
    return { entries: 12 };
  }
}

@Controller('ledger')
@RequiresAuth()
class LedgerController {
  constructor(@Inject(YearLedger) private readonly ledger: YearLedger) {}

  @Get()
  read() {
    return this.ledger.read();
  }
}

describe.each(platforms)('MicrosoftIdentityModule, $platform', (platform) => {
  it('protects a provider that is derived from a class with composed decorators', async () => {
    const api = await serve(platform, {
      imports: [MicrosoftIdentityModule.forRoot(issuer.options)],
      controllers: [LedgerController],
      providers: [YearLedger],
    });
    expectRefusal(await api.call('/ledger', { token: await issuer.token() }), { insufficientScope: 'role' });
    const answer = await api.call('/ledger', { token: await issuer.token({ roles: ['Admin'] }) });
    expect(answer.body).toEqual({ entries: 12 });
  });

  @Controller('keys')
  class KeysController {
    constructor(@Inject(MICROSOFT_IDENTITY) private readonly identity: MicrosoftIdentity) {}

    @Get('ready')
    @RequiresAuth()
    async ready() {
      await this.identity.ready();
      return { ready: true };
    }
  }

  @Controller('.well-known/oauth-protected-resource')
  class ResourceMetadataController {
    constructor(@Inject(MICROSOFT_IDENTITY) private readonly identity: MicrosoftIdentity) {}

    @Get()
    @AllowAnonymous()
    read() {
      return this.identity.resourceMetadata;
    }
  }

  it('initializes at start-up, provides the identity to every module and closes it at shutdown', async () => {
    forgetIdentity();
    const imported = MicrosoftIdentityModule.forRoot({
      ...issuer.options,
      resourceMetadata: { resource: 'https://api.example' },
    });
    warnings();
    const before = await serve(platform, { controllers: [WeatherController] });
    expectRefusal(await before.call('/weather/now/Oslo', { token: await issuer.token() }), 'server_error');

    @Module({ controllers: [KeysController, ResourceMetadataController] })
    class FeatureModule {}
    const api = await serve(platform, { imports: [imported, FeatureModule] });
    const answer = await api.call('/keys/ready', { token: await issuer.token() });
    expect(answer.body).toEqual({ ready: true });
    const metadata = await api.call('/.well-known/oauth-protected-resource');
    expect(metadata.body).toMatchObject({ resource: 'https://api.example', bearer_methods_supported: ['header'] });
    expect((await api.call('/keys/ready')).headers['www-authenticate']).toBe(
      'Bearer resource_metadata="https://api.example/.well-known/oauth-protected-resource"',
    );
    const close = vi.spyOn(api.app.get<MicrosoftIdentity>(MICROSOFT_IDENTITY), 'close');
    await api.app.close();
    expect(close).toHaveBeenCalledOnce();
    started.length = 0;
  });

  it('takes options from a factory with injected dependencies', async () => {
    @Module({ providers: [{ provide: 'TENANT', useFactory: () => issuer.options }], exports: ['TENANT'] })
    class ConfigModule {}
    forgetIdentity();
    const imported = MicrosoftIdentityModule.forRootAsync({
      imports: [ConfigModule],
      inject: ['TENANT'],
      useFactory: (tenant: TestIssuer['options']) => Promise.resolve({ ...tenant, clockToleranceSeconds: 300 }),
    });
    const api = await serve(platform, { imports: [imported], controllers: [KeysController] });
    expect((await api.call('/keys/ready', { token: await issuer.token() })).body).toEqual({ ready: true });
    const exp = Math.floor(Date.now() / 1000) - 60;
    expect((await api.call('/keys/ready', { token: await issuer.token({ exp }) })).status).toBe(200);
  });

  it('stops the start-up on wrong options', async () => {
    const wrong = MicrosoftIdentityModule.forRoot({ tenantId: 'x' });
    await expect(NestFactory.create(wrong, platform.adapter(), { logger: false, abortOnError: false })).rejects.toThrow(
      'tenantId',
    );
    const failing = MicrosoftIdentityModule.forRootAsync({ useFactory: () => Promise.reject(new Error('no vault')) });
    await expect(
      NestFactory.create(failing, platform.adapter(), { logger: false, abortOnError: false }),
    ).rejects.toThrow('no vault');
  });

  describe('imported twice in one application', () => {
    const restricted = () =>
      MicrosoftIdentityModule.forRoot({ ...issuer.options, allowedClients: [issuer.options.clientId] });
    const open = () => MicrosoftIdentityModule.forRootAsync({ useFactory: () => issuer.options });
    const create = (...imports: DynamicModule[]) => {
      @Module({ imports })
      class AppModule {}
      return NestFactory.create(AppModule, platform.adapter(), { logger: false, abortOnError: false });
    };

    it.each([
      ['the restricted one first', () => create(restricted(), open())],
      ['the restricted one last', () => create(open(), restricted())],
    ])('stops the start-up where the options differ: %s', async (_, start) => {
      await expect(start()).rejects.toThrow(
        'MicrosoftIdentityModule is imported twice in one application, with different options.',
      );
    });

    it('is taken where the options are the same', async () => {
      const app = await create(restricted(), restricted());
      await app.init();
      await app.close();
    });
  });

  it('warns where it configures the process with other options than those of an application that runs', async () => {
    const given = warnings();
    const start = (options: IdentityOptions) =>
      serve(platform, { imports: [MicrosoftIdentityModule.forRoot(options)] });
    const first = await start(issuer.options);
    await start(issuer.options);
    expect(given).toEqual([]);
    await start({ ...issuer.options, clockToleranceSeconds: 60 });
    expect(given).toEqual([expect.stringMatching(/^MicrosoftIdentityModule configures the process a second time/)]);
    await first.app.close();
  });

  it('does not warn where the earlier application was shut down', async () => {
    const given = warnings();
    for (const clockToleranceSeconds of [0, 60]) {
      const options = { ...issuer.options, clockToleranceSeconds };
      const { app } = await serve(platform, { imports: [MicrosoftIdentityModule.forRoot(options)] });
      await app.close();
    }
    expect(given).toEqual([]);
  });

  it('stops the start-up where a factory returns undefined', async () => {
    vi.stubEnv('AzureAd__TenantId', issuer.options.tenantId);
    vi.stubEnv('AzureAd__ClientId', issuer.options.clientId);
    // As from a look-up of a misspelt name in a configuration without types.
    const failing = MicrosoftIdentityModule.forRootAsync({ useFactory: () => Promise.resolve(undefined as never) });
    await expect(
      NestFactory.create(failing, platform.adapter(), { logger: false, abortOnError: false }),
    ).rejects.toThrow('MicrosoftIdentityModule.forRootAsync: useFactory returned undefined');
    vi.unstubAllEnvs();
  });

  const requiring: readonly [string, () => DynamicModule][] = [
    ['beside the options', () => MicrosoftIdentityModule.forRoot(issuer.options, { requireAuth: true })],
    ['as an option', () => MicrosoftIdentityModule.forRoot({ ...issuer.options, requireAuth: true })],
    [
      'as an option that a factory returns',
      () =>
        MicrosoftIdentityModule.forRootAsync({
          useFactory: () => Promise.resolve({ ...issuer.options, requireAuth: true }),
        }),
    ],
    [
      'beside a factory',
      () => MicrosoftIdentityModule.forRootAsync({ useFactory: () => issuer.options }, { requireAuth: true }),
    ],
  ];

  it.each(requiring)('requires a token for every handler with requireAuth %s', async (_, makeModule) => {
    const imported = makeModule();
    const api = await serve(platform, {
      imports: [imported],
      controllers: [BareController, UndecoratedController, WeatherController],
    });
    for (const path of ['/bare/open', '/bare/helper', '/plain/open', '/weather/now/Oslo']) {
      expectRefusal(await api.call(path), 'missing_token');
    }
    const token = await issuer.token();
    expectRefusal(await api.call('/bare/helper', { token }), { insufficientScope: 'scope', scope: 'write' });
    expect((await api.call('/bare/helper', { token: await issuer.token({ scp: 'write' }) })).body).toEqual({
      sub: subject,
    });
    expect((await api.call('/weather/now/Oslo', { token })).status).toBe(200);
    expect((await api.call('/plain/lifted')).status).toBe(200);
    expect((await api.call('/weather/open')).status).toBe(200);
    expectRefusal(await api.call('/bare/open', { token: await issuer.token({ aud: 'api://other' }) }), {
      invalidToken: 'audience',
    });
  });

  it('leaves open a controller of another module that @AllowAnonymous() is applied to', async () => {
    @Controller('probes')
    class ThirdPartyController {
      @Get('alive')
      alive() {
        return { alive: true };
      }
    }
    class ThirdPartyModule {}
    AllowAnonymous()(ThirdPartyController);
    const thirdParty = { module: ThirdPartyModule, controllers: [ThirdPartyController] };
    const imports = [MicrosoftIdentityModule.forRoot(issuer.options, { requireAuth: true }), thirdParty];
    const api = await serve(platform, { imports, controllers: [BareController] });
    expect((await api.call('/probes/alive')).body).toEqual({ alive: true });
    expectRefusal(await api.call('/bare/open'), 'missing_token');
  });

  it('stays closed where a later configuration does not require a token', async () => {
    const imported = MicrosoftIdentityModule.forRoot({ ...issuer.options, requireAuth: true });
    const api = await serve(platform, { imports: [imported], controllers: [BareController] });
    initialize(issuer.options);
    expectRefusal(await api.call('/bare/open'), 'missing_token');
  });

  it.each([
    ['forRoot', () => MicrosoftIdentityModule.forRoot(issuer.options)],
    ['forRootAsync', () => MicrosoftIdentityModule.forRootAsync({ useFactory: () => issuer.options })],
  ])('leaves a handler without a decorator open without requireAuth, by %s', async (_, makeModule) => {
    const api = await serve(platform, { imports: [makeModule()], controllers: [BareController, WeatherController] });
    expect((await api.call('/bare/open')).status).toBe(200);
    expectRefusal(await api.call('/weather/now/Oslo'), 'missing_token');
  });

  it('closes an undecorated handler beside a decorated one, and is in the document of OpenAPI', async () => {
    @Controller('mixed')
    class MixedController {
      @Get('forgotten')
      forgotten() {
        return {};
      }

      @Get('ready')
      @RequiresAuth()
      ready() {
        return {};
      }
    }
    const imported = MicrosoftIdentityModule.forRoot(issuer.options, { requireAuth: true });
    const api = await serve(platform, { imports: [imported], controllers: [MixedController] });
    expectRefusal(await api.call('/mixed/forgotten'), 'missing_token');
    expect((await api.call('/mixed/forgotten', { token: await issuer.token() })).status).toBe(200);
    const document = { paths: { '/mixed/forgotten': { get: {} } }, security: [{ key: [] }] };
    const { prototype } = MixedController;
    const routes = [{ prototype, method: 'forgotten', httpMethod: 'get', path: '/mixed/forgotten' }];
    expect(withSecurity(document, routes).paths['/mixed/forgotten'].get).toMatchObject({ security: [{ entra: [] }] });
  });

  it('answers 500 with requireAuth if both authorities are configured and a handler names none', async () => {
    const given = warnings();
    const options = { ...issuer.options, b2c: issuer.b2cOptions };
    const api = await serve(platform, {
      imports: [MicrosoftIdentityModule.forRoot(options, { requireAuth: true })],
      controllers: [BareController],
    });
    expectRefusal(await api.call('/bare/open', { token: await issuer.token() }), 'server_error');
    expect(given).toHaveLength(1);
  });
});
