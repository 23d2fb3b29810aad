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
import { checkArguments, checkCount } from '../../core/call-arguments.js';
import type { IdentityOptions } from '../../core/configuration/options.js';
import { ConfigurationError } from '../../core/errors.js';
import { initialize } from '../../gate/initialize.js';
import { demandsTokens, MicrosoftIdentityGuard, requestContext, type MicrosoftIdentityGuardOptions } from './guard.js';
import { refusalFilter } from './refusals.js';

/** The token by which Nest injects the {@link MicrosoftIdentity} of {@link MicrosoftIdentityModule}. */
export const MICROSOFT_IDENTITY = Symbol.for('microsoft-identity-decorators/1:identity');

/** A factory of the options of `initialize`, and what is injected into it. */
export type MicrosoftIdentityAsyncOptions = Pick<ModuleMetadata, 'imports'> &
  Pick<FactoryProvider<IdentityOptions>, 'inject' | 'useFactory'>;

const examples = ['options', 'options, { requireAuth: true }'] as const;
const asyncExamples = [
  '{ useFactory: () => options }',
  '{ useFactory: () => options }, { requireAuth: true }',
] as const;

/** What Nest runs for every handler of an application, also for controllers without a decorator. */
const globalEnhancers = (options: MicrosoftIdentityGuardOptions): Provider[] => [
  { provide: APP_GUARD, useValue: new MicrosoftIdentityGuard(options) },
  { provide: APP_INTERCEPTOR, useValue: requestContext },
  { provide: APP_FILTER, useValue: refusalFilter },
];

function moduleWith(
  identity: Omit<FactoryProvider<MicrosoftIdentity>, 'provide'>,
  imports: ModuleMetadata['imports'],
  options: MicrosoftIdentityGuardOptions,
): DynamicModule {
  const isForEveryHandler = demandsTokens([options], 'MicrosoftIdentityModule.forRoot', examples);
  return {
    module: MicrosoftIdentityModule,
    global: true,
    imports: imports ?? [],
    providers: [{ provide: MICROSOFT_IDENTITY, ...identity }, ...(isForEveryHandler ? globalEnhancers(options) : [])],
    exports: [MICROSOFT_IDENTITY],
  };
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
   * @param guardOptions - `requireAuth`: handlers without a decorator require a valid token too
   */
  static forRoot(...given: [options?: IdentityOptions, guardOptions?: MicrosoftIdentityGuardOptions]): DynamicModule {
    checkCount('MicrosoftIdentityModule.forRoot', given, { examples, most: 2 });
    const [options, guardOptions = {}] = given;
    const configure = () => (options === undefined ? initialize() : initialize(options));
    return moduleWith({ useFactory: configure }, undefined, guardOptions);
  }

  /**
   * The module, with options that a factory returns. `undefined` is refused: it does not read the environment.
   *
   * @param options - the factory, what is injected into it, and the modules that provide this
   * @param guardOptions - as in {@link forRoot}
   */
  static forRootAsync(
    ...given: [options: MicrosoftIdentityAsyncOptions, guardOptions?: MicrosoftIdentityGuardOptions]
  ): DynamicModule {
    checkCount('MicrosoftIdentityModule.forRootAsync', given, { examples: asyncExamples, most: 2 });
    const [options, guardOptions = {}] = given;
    checkArguments('MicrosoftIdentityModule.forRootAsync', [options], {
      examples: asyncExamples,
      most: 1,
      options: ['imports', 'inject', 'useFactory'],
      required: ['useFactory'],
    });
    const { imports, inject, useFactory } = options;
    const configure = async (...dependencies: unknown[]) => {
      const found = (await useFactory(...dependencies)) as IdentityOptions | undefined;
      if (found !== undefined) return initialize(found);
      throw new ConfigurationError(
        'MicrosoftIdentityModule.forRootAsync: useFactory returned undefined; it takes a function that returns options. ' +
          'To read the environment, write MicrosoftIdentityModule.forRoot().',
      );
    };
    return moduleWith({ useFactory: configure, inject: inject ?? [] }, imports, guardOptions);
  }

  /** Ends downloads that are under way. */
  onApplicationShutdown(): void {
    this.#identity.close();
  }
}
