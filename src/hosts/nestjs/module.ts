/** The module that configures a Nest application. */
import {
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import type { MicrosoftIdentity } from '../../core/access/requirement.js';
import { checkArguments } from '../../core/call-arguments.js';
import type { IdentityOptions } from '../../core/configuration/options.js';
import { identityInForce } from '../../gate/identity-in-force.js';
import { initialize, initializeWithRequireAuth } from '../../gate/initialize.js';
import { closingParts } from '../../gate/known-handlers.js';
import { enforcesRequireAuth } from '../../gate/require-auth.js';
import { demandsTokens, MicrosoftIdentityGuard, requestContext, type MicrosoftIdentityGuardOptions } from './guard.js';
import { refusalFilter } from './refusals.js';

/** The token by which Nest injects the {@link MicrosoftIdentity} of {@link MicrosoftIdentityModule}. */
export const MICROSOFT_IDENTITY = Symbol.for('microsoft-identity-decorators/1:identity');

/** A factory of the options of `initialize`, and what is injected into it. */
export type MicrosoftIdentityAsyncOptions = Pick<ModuleMetadata, 'imports'> &
  Pick<FactoryProvider<IdentityOptions>, 'inject' | 'useFactory'>;

/** A provider of what Nest runs for every handler with `requireAuth`. Nest skips a factory that returns nothing. */
const forEveryHandler = (provide: string, enhancer: object): Provider => ({
  provide,
  // The options are known once the identity is there.
  inject: [MICROSOFT_IDENTITY],
  useFactory: () => (identityInForce()?.settings.requireAuth === true ? enhancer : undefined),
});

/** As {@link MicrosoftIdentityAsyncOptions}. No options: they are read from the environment. */
type OptionsFactory = Pick<MicrosoftIdentityAsyncOptions, 'imports' | 'inject'> & {
  readonly useFactory: (...dependencies: unknown[]) => IdentityOptions | undefined | Promise<IdentityOptions>;
};

function moduleWith(
  { imports = [], inject = [], useFactory }: OptionsFactory,
  guardOptions: MicrosoftIdentityGuardOptions,
  options?: IdentityOptions,
): DynamicModule {
  const examples = ['options', 'options, { requireAuth: true }'] as const;
  const requireAuth = demandsTokens([guardOptions], 'MicrosoftIdentityModule.forRoot', examples);
  const configure = requireAuth ? initializeWithRequireAuth : initialize;
  enforcesRequireAuth('Nest');
  const dynamicModule: DynamicModule = {
    module: MicrosoftIdentityModule,
    global: true,
    imports,
    providers: [
      {
        provide: MICROSOFT_IDENTITY,
        inject,
        useFactory: async (...dependencies: unknown[]) => configure(await useFactory(...dependencies)),
      },
      forEveryHandler(APP_GUARD, new MicrosoftIdentityGuard({ requireAuth: true })),
      forEveryHandler(APP_INTERCEPTOR, requestContext),
      forEveryHandler(APP_FILTER, refusalFilter),
    ],
    exports: [MICROSOFT_IDENTITY],
  };
  closingParts.set(dynamicModule, () => requireAuth || options?.requireAuth === true);
  return dynamicModule;
}

/**
 * Calls `initialize` when the application starts, provides what it returns as {@link MICROSOFT_IDENTITY}, and closes it
 * when the application shuts down. It can be replaced by a call of `initialize`.
 *
 * @example
 * ```ts
 * import { Module } from '@nestjs/common';
 * import { MicrosoftIdentityModule } from 'microsoft-identity-decorators/nestjs';
 *
 * // reads AzureAd__TenantId and AzureAd__ClientId
 * @Module({ imports: [MicrosoftIdentityModule.forRoot()] })
 * export class AppModule {}
 * ```
 */
@Module({})
export class MicrosoftIdentityModule implements OnApplicationShutdown {
  readonly #identity: MicrosoftIdentity;

  constructor(@Inject(MICROSOFT_IDENTITY) identity: MicrosoftIdentity) {
    this.#identity = identity;
  }

  /**
   * The module, with options that are known where it is imported.
   *
   * @param options - those of `initialize`; without them it reads the environment
   * @param guardOptions - `requireAuth`: handlers without a decorator require a valid token too, as by the option of that
   *   name among `options`
   */
  static forRoot(options?: IdentityOptions, guardOptions: MicrosoftIdentityGuardOptions = {}): DynamicModule {
    return moduleWith({ useFactory: () => options }, guardOptions, options);
  }

  /**
   * The module, with options that a factory returns.
   *
   * @param options - the factory, what is injected into it, and the modules that provide this
   * @param guardOptions - as in {@link forRoot}
   */
  static forRootAsync(
    options: MicrosoftIdentityAsyncOptions,
    guardOptions: MicrosoftIdentityGuardOptions = {},
  ): DynamicModule {
    checkArguments('MicrosoftIdentityModule.forRootAsync', [options], {
      examples: ['{ useFactory: () => options }'],
      most: 1,
      options: ['imports', 'inject', 'useFactory'],
      required: ['useFactory'],
    });
    return moduleWith(options, guardOptions);
  }

  /** Ends downloads that are under way. */
  onApplicationShutdown(): void {
    this.#identity.close();
  }
}
