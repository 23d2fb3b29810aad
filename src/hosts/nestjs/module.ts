/** The module that configures a Nest application. */
import { isDeepStrictEqual } from 'node:util';
import {
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, ModulesContainer } from '@nestjs/core';
import type { MicrosoftIdentity } from '../../core/access/requirement.js';
import { checkArguments, checkCount } from '../../core/call-arguments.js';
import type { IdentityOptions } from '../../core/configuration/options.js';
import { ConfigurationError } from '../../core/errors.js';
import { processWide } from '../../core/process-wide.js';
import { requirementOf } from '../../decorators/decorated-elements.js';
import { protectMembersOfInstances } from '../../decorators/protected-class.js';
import { prototypeChainOf } from '../../decorators/prototype-chain.js';
import { identityInForce } from '../../gate/identity-in-force.js';
import { initialize, initializeWithRequireAuth } from '../../gate/initialize.js';
import { closingParts } from '../../gate/known-handlers.js';
import { warnDeveloper } from '../../gate/refusal.js';
import { noteRoute } from '../../gate/registered-routes.js';
import { enforcesRequireAuth } from '../../gate/require-auth.js';
import { nestjs } from './binding.js';
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

/** A provider of what Nest runs for every handler with `requireAuth`. Nest skips a factory that returns nothing. */
const forEveryHandler = (provide: string, enhancer: object): Provider => ({
  provide,
  // The options are known once the identity is there.
  inject: [MICROSOFT_IDENTITY],
  useFactory: () => (identityInForce()?.settings.requireAuth === true ? enhancer : undefined),
});

/** What the module last configured, until that application shuts down. */
const configured = processWide<{
  last: { application: ModulesContainer; configuration: Configuration; identity: MicrosoftIdentity } | undefined;
}>('configured-by-nest', () => ({ last: undefined }));

/** What one import of the module configures. */
interface Configuration {
  /** Undefined: the environment decides. */
  readonly options: IdentityOptions | undefined;
  readonly requireAuth: boolean;
}

/**
 * Configures the process for an application.
 *
 * @throws ConfigurationError where the module configured this application before, with other options: the order of imports
 *   would decide which hold
 */
function configure(application: ModulesContainer, configuration: Configuration): MicrosoftIdentity {
  const { last } = configured;
  if (last !== undefined && !isDeepStrictEqual(last.configuration, configuration)) {
    if (last.application === application) {
      throw new ConfigurationError(
        'MicrosoftIdentityModule is imported twice in one application, with different options. Import it once. ' +
          'For a second registration, use the decorators that createMicrosoftIdentity(options) returns.',
      );
    }
    warnDeveloper(
      new ConfigurationError(
        'MicrosoftIdentityModule configures the process a second time, with other options than those of an application ' +
          'that is not shut down. The last options hold for both. Close the earlier application first.',
      ),
    );
  }
  const identity = identityFor(configuration);
  configured.last = { application, configuration, identity };
  return identity;
}

function identityFor({ options, requireAuth }: Configuration): MicrosoftIdentity {
  if (requireAuth) return initializeWithRequireAuth(options);
  return options === undefined ? initialize() : initialize(options);
}

/** Gives the options of one import of the module. */
type OptionsFactory = (
  ...dependencies: unknown[]
) => IdentityOptions | undefined | Promise<IdentityOptions | undefined>;

function moduleWith(
  useFactory: OptionsFactory,
  { imports = [], inject = [] }: Pick<MicrosoftIdentityAsyncOptions, 'imports' | 'inject'>,
  guardOptions: MicrosoftIdentityGuardOptions,
  options?: IdentityOptions,
): DynamicModule {
  const requireAuth = demandsTokens([guardOptions], 'MicrosoftIdentityModule.forRoot', examples);
  enforcesRequireAuth('Nest');
  const dynamicModule: DynamicModule = {
    module: MicrosoftIdentityModule,
    global: true,
    imports,
    providers: [
      {
        provide: MICROSOFT_IDENTITY,
        inject: [ModulesContainer, ...inject],
        useFactory: async (application: ModulesContainer, ...dependencies: unknown[]) =>
          configure(application, { options: await useFactory(...dependencies), requireAuth }),
      },
      forEveryHandler(APP_GUARD, new MicrosoftIdentityGuard({ requireAuth: true })),
      forEveryHandler(APP_INTERCEPTOR, requestContext),
      // Without requireAuth too: a helper that is called in a handler without a decorator finds no verified token.
      { provide: APP_FILTER, useValue: refusalFilter },
    ],
    exports: [MICROSOFT_IDENTITY],
  };
  closingParts.set(dynamicModule, () => requireAuth || options?.requireAuth === true);
  return dynamicModule;
}

/**
 * Protects the classes of an application before it makes their instances. A class that is derived from one with a
 * requirement is protected by its first instance only where Nest did not drop the class that the decorator returned.
 */
function protectClassesOf(modules: ModulesContainer): void {
  for (const { providers, controllers } of modules.values()) {
    for (const { metatype } of [...providers.values(), ...controllers.values()]) {
      // Of a factory, it is the factory.
      const prototype = (metatype as { readonly prototype?: unknown } | null)?.prototype;
      if (typeof prototype === 'object' && prototype !== null) protectMembersOfInstances(prototype, nestjs);
    }
  }
}

/** The methods of a controller that Nest serves, inherited ones included. */
function handlersOf(prototype: object): readonly PropertyKey[] {
  return [...prototypeChainOf(prototype)].flatMap((level) =>
    Object.entries(Object.getOwnPropertyDescriptors(level))
      .filter(([, { value }]) => typeof value === 'function' && Reflect.hasMetadata('path', value as object))
      .map(([name]) => name),
  );
}

/** Notes what a handler requires. One that contradicts itself is answered 500; the developer need not wait for a request. */
function noteHandlerRoute(prototype: object, name: PropertyKey): void {
  try {
    const requirement = requirementOf(prototype, name);
    if (requirement !== undefined) noteRoute(requirement);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    warnDeveloper(error);
  }
}

/** Notes what the handlers of an application require. */
function noteRoutesOf(modules: ModulesContainer): void {
  for (const { controllers } of modules.values()) {
    for (const { metatype } of controllers.values()) {
      const { prototype } = metatype as { readonly prototype: object };
      for (const name of handlersOf(prototype)) noteHandlerRoute(prototype, name);
    }
  }
}

/**
 * Calls `initialize` when the application starts, provides what it returns as {@link MICROSOFT_IDENTITY}, and closes it
 * when the application shuts down. It can be replaced by a call of `initialize`. An application imports it once: a second
 * import with other options stops the start-up.
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

  constructor(
    @Inject(MICROSOFT_IDENTITY) identity: MicrosoftIdentity,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#identity = identity;
    protectClassesOf(modules);
    noteRoutesOf(modules);
  }

  /**
   * The module, with options that are known where it is imported: those of `initialize`. Without them it reads the
   * environment. With `requireAuth` among the guard's options, handlers without a decorator require a valid token too, as
   * by the option of that name among those of `initialize`.
   */
  static forRoot(...given: [options?: IdentityOptions, guardOptions?: MicrosoftIdentityGuardOptions]): DynamicModule {
    checkCount('MicrosoftIdentityModule.forRoot', given, { examples, most: 2 });
    const [options, guardOptions = {}] = given;
    return moduleWith(() => options, {}, guardOptions, options);
  }

  /**
   * The module, with options that a factory returns. `undefined` is refused: it does not read the environment. It takes
   * the factory, what is injected into it and the modules that provide this, and the guard's options as {@link forRoot}.
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
    const optionsFrom = async (...dependencies: unknown[]) => {
      const found = (await options.useFactory(...dependencies)) as IdentityOptions | undefined;
      if (found !== undefined) return found;
      throw new ConfigurationError(
        'MicrosoftIdentityModule.forRootAsync: useFactory returned undefined; it takes a function that returns options. ' +
          'To read the environment, write MicrosoftIdentityModule.forRoot().',
      );
    };
    return moduleWith(optionsFrom, options, guardOptions);
  }

  /** Ends downloads that are under way. */
  onApplicationShutdown(): void {
    this.#identity.close();
    if (configured.last?.identity === this.#identity) configured.last = undefined;
  }
}
