/**
 * The routes of a Nest application, from the metadata that its decorators store. Imports nothing of Nest: the doctor reads
 * applications that use another copy.
 */

/** A controller class. */
interface Controller {
  readonly prototype: object;
  readonly name: string;
}

/** One route of a Nest application. */
export interface NestRoute {
  readonly controller: Controller;
  readonly prototype: object;
  readonly method: string;
  /** In lower case; `all` for every method. */
  readonly httpMethod: string;
  readonly path: string;
}

type Fragments = string | readonly string[] | undefined;

/** As in `RequestMethod` of Nest, whose numbers are stored. */
const httpMethods = ['get', 'post', 'put', 'delete', 'patch', 'all', 'options', 'head', 'search'];
const allMethods = 5;

/** Nest's own. The value of `VersioningType.URI`. */
const versionsInPath = 0;

interface Versioning {
  readonly type: unknown;
  readonly prefix?: string | false | undefined;
  readonly defaultVersion?: unknown;
}

/** What decides about paths beside the decorators. */
interface PathSettings {
  readonly globalPrefix?: string | undefined;
  readonly excluded?: readonly { readonly pathRegex: RegExp; readonly requestMethod: number }[] | undefined;
  readonly versioning?: Versioning | undefined;
  readonly modulePath?: Fragments;
}

type GetMetadata = (key: string, target: object) => unknown;

// `reflect-metadata` keeps what it stores on the global object, where every copy finds it.
const read: GetMetadata = (key, target) =>
  (Reflect as unknown as { readonly getMetadata?: GetMetadata }).getMetadata?.(key, target);

const joined = (left: string, right: string) => `${left.replace(/\/+$/, '')}/${right.replace(/^\/+/, '')}`;

function append(paths: readonly string[], fragments: Fragments): readonly string[] {
  if (fragments === undefined || fragments === '') return paths;
  const list = typeof fragments === 'string' ? [fragments] : fragments;
  return paths.flatMap((path) => list.map((fragment) => joined(path, fragment)));
}

/** The prefix of each version of a route. A version that is a symbol is neutral, and has none. */
function versionPrefixes(version: unknown, versioning: Versioning | undefined): readonly string[] {
  if (versioning?.type !== versionsInPath || version === undefined) return [''];
  const { prefix = 'v' } = versioning;
  return (Array.isArray(version) ? (version as unknown[]) : [version]).map((one) =>
    typeof one === 'symbol' ? '' : `/${prefix === false ? '' : prefix}${String(one)}`,
  );
}

const tidy = (path: string) => `/${path}`.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');

function methodNamesOf(prototype: object): readonly string[] {
  const names = new Set<string>();
  for (
    let level: object | null = prototype;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (name !== 'constructor' && typeof value === 'function') names.add(name);
    }
  }
  return [...names];
}

/** The routes of a controller, inherited ones included, as Nest registers them. */
export function routesOfController(controller: Controller, settings: PathSettings = {}): readonly NestRoute[] {
  const { prototype } = controller;
  const { globalPrefix = '', excluded = [], versioning, modulePath } = settings;
  return methodNamesOf(prototype).flatMap((method) => {
    const handler: unknown = Reflect.get(prototype, method);
    if (typeof handler !== 'function') return [];
    const methodPath = read('path', handler) as Fragments;
    if (methodPath === undefined) return [];
    const requestMethod = (read('method', handler) as number | undefined) ?? 0;
    const version = read('__version__', handler) ?? read('__version__', controller) ?? versioning?.defaultVersion;
    const bare = append(append(append([''], modulePath), read('path', controller) as Fragments), methodPath);
    const isExcluded = (path: string) =>
      excluded.some(
        (one) => [allMethods, -1, requestMethod].includes(one.requestMethod) && one.pathRegex.test(tidy(path)),
      );
    return versionPrefixes(version, versioning).flatMap((prefix) =>
      bare.map((path) => ({
        controller,
        prototype,
        method,
        httpMethod: httpMethods[requestMethod] ?? `method ${String(requestMethod)}`,
        path: tidy(joined(isExcluded(path) ? '' : globalPrefix, `${prefix}${path}`)),
      })),
    );
  });
}

/** What is used of a Nest application. Nest declares none of this for others. */
export interface NestApplication {
  readonly config: {
    getGlobalPrefix(): string;
    getGlobalPrefixOptions(): { readonly exclude?: PathSettings['excluded'] };
    getVersioning(): Versioning | undefined;
    getGlobalGuards(): readonly object[];
    getGlobalRequestGuards(): readonly { readonly instance?: object }[];
  };
  readonly container: {
    getModules(): ReadonlyMap<
      string,
      {
        readonly metatype: object;
        readonly controllers: ReadonlyMap<unknown, { readonly metatype: unknown }>;
      }
    > & { readonly applicationId?: string };
  };
}

/** Whether a value is a Nest application, as `NestFactory.create` returns it. */
export function isNestApplication(value: unknown): value is NestApplication {
  if (typeof value !== 'object' || value === null) return false;
  const { config, container } = value as Partial<NestApplication>;
  return typeof config?.getGlobalPrefix === 'function' && typeof container?.getModules === 'function';
}

/** The routes that a Nest application serves, with full paths. */
export function routesOfApplication({ config, container }: NestApplication): readonly NestRoute[] {
  const modules = container.getModules();
  const settings = {
    globalPrefix: config.getGlobalPrefix(),
    excluded: config.getGlobalPrefixOptions().exclude,
    versioning: config.getVersioning(),
  };
  return [...modules.values()].flatMap(({ metatype, controllers }) => {
    const modulePath = read(`__module_path__${modules.applicationId ?? ''}`, metatype) as Fragments;
    return [...controllers.values()].flatMap((wrapper) =>
      routesOfController(wrapper.metatype as Controller, { ...settings, modulePath }),
    );
  });
}

/** A module of Nest, and the modules that it imports, each once. */
export interface NestModuleTree {
  readonly controllers: readonly Controller[];
  /** Dynamic modules, and the values that are provided. */
  readonly parts: readonly object[];
}

interface DynamicModule {
  readonly module?: object;
  readonly imports?: readonly unknown[];
  readonly controllers?: readonly Controller[];
  readonly providers?: readonly unknown[];
  readonly forwardRef?: () => unknown;
}

/** Whether a value is a class with `@Module()`, or a dynamic module. */
export function isNestModule(value: unknown): value is object {
  if (typeof value === 'function') {
    return ['controllers', 'imports', 'providers'].some((key) => Array.isArray(read(key, value)));
  }
  return typeof value === 'object' && value !== null && typeof (value as DynamicModule).module === 'function';
}

/** The controllers of a module and of all that it imports. Nothing is instantiated. */
export async function moduleTreeOf(root: object): Promise<NestModuleTree> {
  const seen = new Set<unknown>();
  const controllers = new Set<Controller>();
  const parts: object[] = [];
  const visit = async (imported: unknown): Promise<void> => {
    const part = (await imported) as DynamicModule | (() => void) | undefined;
    if (part === undefined || seen.has(part)) return;
    seen.add(part);
    if (typeof part === 'object' && part.forwardRef !== undefined) return visit(part.forwardRef());
    const dynamic = typeof part === 'object' ? part : {};
    const declared = typeof part === 'function' ? part : part.module;
    const listed = <Item>(key: 'imports' | 'controllers' | 'providers') => [
      ...((declared && (read(key, declared) as readonly Item[] | undefined)) ?? []),
      ...((dynamic[key] as readonly Item[] | undefined) ?? []),
    ];
    if (typeof part === 'object') parts.push(part);
    for (const controller of listed<Controller>('controllers')) controllers.add(controller);
    for (const { useValue } of listed<{ readonly useValue?: unknown }>('providers')) {
      if (typeof useValue === 'object' && useValue !== null) parts.push(useValue);
    }
    for (const one of listed('imports')) await visit(one);
  };
  await visit(root);
  return { controllers: [...controllers], parts };
}
