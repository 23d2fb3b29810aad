/** What decorators demand, in the words of OpenAPI 3. Pure functions; no framework. */
import { state } from '../core/access/current-request.js';
import type { Authenticator, Demand, MicrosoftIdentity, Requirement } from '../core/access/requirement.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import { ConfigurationError } from '../core/errors.js';
import { b2cChallenge, entraChallenge } from '../core/issuers/authority.js';
import { appIdUriOf } from '../core/issuers/resource-metadata.js';
import { authenticatorOf } from './bound-identity.js';
import { requirementOf } from './records.js';

/** A `securityScheme` of OpenAPI 3: OAuth 2.0, with the authorization code flow. */
export interface OAuth2SecurityScheme {
  readonly type: 'oauth2';
  readonly description: string;
  readonly flows: {
    readonly authorizationCode: {
      readonly authorizationUrl: string;
      readonly tokenUrl: string;
      /** What each full scope name stands for. */
      readonly scopes: Readonly<Record<string, string>>;
      readonly 'x-usePkce': 'SHA-256';
    };
  };
}

/** What documents say beyond the settings. */
export interface SecurityOptions {
  /** What `initialize` or `createMicrosoftIdentity` returned. Default: the configuration in force. */
  readonly identity?: MicrosoftIdentity | undefined;
  /** Scopes by their short names, with what they stand for. */
  readonly scopes?: Readonly<Record<string, string>> | undefined;
  /**
   * The Application ID URIs, which full scope names begin with. Default: `api://<client id>`, and for B2C
   * `https://<domain name>.onmicrosoft.com/<client id>`.
   */
  readonly appIdUri?: Readonly<Partial<Record<Scheme, string | undefined>>> | undefined;
  /** What the names of security schemes begin with: to tell two configurations of one API apart. Default: nothing. */
  readonly prefix?: string | undefined;
}

/** A method of a controller, and where a document describes it: under its path and HTTP method, or its operation id. */
export interface OperationRoute {
  /** The prototype of the controller that serves the route, which may only inherit the method. */
  readonly prototype: object;
  readonly method: PropertyKey;
  readonly httpMethod?: string | undefined;
  /** The full path, as Express writes it (`/users/:id`) or OpenAPI (`/users/{id}`). */
  readonly path?: string | undefined;
  readonly operationId?: string | undefined;
}

/** What is used of an OpenAPI document. */
export interface OpenApiDocument {
  readonly paths?: object | undefined;
  readonly components?: object | undefined;
  readonly security?: readonly unknown[] | undefined;
}

type Json = Readonly<Record<string, unknown>>;
type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

const httpMethods: readonly string[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

function identityOf({ identity }: SecurityOptions): Authenticator {
  const found = identity === undefined ? state.identity : authenticatorOf(identity);
  if (found === undefined) throw new ConfigurationError('An OpenAPI document was asked for before initialize().');
  return found;
}

/** One authority of the configuration, as a document names it. */
interface Entry {
  readonly name: string;
  readonly scheme: Scheme;
  readonly policy: string | undefined;
  readonly authorizationUrl: string;
  readonly description: string;
  readonly fullName: (scope: string) => string;
}

/** A configured name, whichever way a decorator spells it. */
const isSamePolicy = (left: string, right: string | undefined) => left.toLowerCase() === right?.toLowerCase();

function entriesOf({ entra, b2c }: Settings, { appIdUri = {}, prefix = '' }: SecurityOptions): readonly Entry[] {
  const entries: Entry[] = [];
  if (entra !== undefined) {
    const uri = appIdUri.entra ?? appIdUriOf(entra);
    entries.push({
      name: `${prefix}entra`,
      scheme: 'entra',
      policy: undefined,
      authorizationUrl: entraChallenge(entra).authorizationUri,
      description: 'An access token of Microsoft Entra ID.',
      fullName: (scope) => `${uri}/${scope}`,
    });
  }
  if (b2c === undefined) return entries;
  const uri = appIdUri.b2c ?? appIdUriOf(b2c);
  const ofPolicies = b2c.policies.map((policy): Entry => ({
    name: `${prefix}b2c-${policy}`,
    scheme: 'b2c',
    policy,
    authorizationUrl: b2cChallenge(b2c, policy, b2c.instances[0] ?? '').authorizationUri,
    description: `An access token of Azure AD B2C, of the policy ${policy}.`,
    fullName: (scope) => `${uri}/${scope}`,
  }));
  return [...entries, ...ofPolicies];
}

/** Scopes by their short names, with what they stand for. */
type Scopes = ReadonlyMap<string, string>;

const scopesIn = ({ scopes = {} }: SecurityOptions) => new Map(Object.entries(scopes));

function schemeOf(entry: Entry, scopes: Scopes): OAuth2SecurityScheme {
  const { authorizationUrl, description, fullName } = entry;
  return {
    type: 'oauth2',
    description,
    flows: {
      authorizationCode: {
        authorizationUrl,
        tokenUrl: authorizationUrl.replace(/authorize$/, 'token'),
        scopes: Object.fromEntries([...scopes].map(([scope, meaning]) => [fullName(scope), meaning])),
        'x-usePkce': 'SHA-256',
      },
    },
  };
}

const schemesOf = (entries: readonly Entry[], scopes: Scopes) =>
  Object.fromEntries(entries.map((entry) => [entry.name, schemeOf(entry, scopes)]));

/**
 * The `securitySchemes` of OpenAPI 3 for what is configured: `entra`, and `b2c-<policy>` for each policy of B2C. Each
 * names the authorization code flow with PKCE.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @param options - the scopes and what they stand for, the Application ID URIs, and a prefix for the names
 * @throws ConfigurationError before `initialize`
 * @see {@link https://spec.openapis.org/oas/v3.0.3#oauth-flow-object OAuth Flow Object}
 * @example
 * ```ts
 * import { initialize, securitySchemes } from 'microsoft-identity-decorators';
 *
 * const identity = initialize();
 * securitySchemes(identity, { scopes: { access_as_user: 'Read the weather in your name' } });
 * ```
 */
export function securitySchemes(
  identity?: MicrosoftIdentity,
  options: Omit<SecurityOptions, 'identity'> = {},
): Readonly<Record<string, OAuth2SecurityScheme>> {
  const { settings } = identityOf({ identity });
  return schemesOf(entriesOf(settings, options), scopesIn(options));
}

function scopesOf(demand: Demand): readonly string[] | undefined {
  if (demand.kind === 'scope') return demand.anyOf;
  return demand.kind === 'permission' ? demand.scopes : undefined;
}

/** The sets of scopes that satisfy a route: all decorators must hold, and of each one name will do. */
function scopeSets({ scheme, demands }: Requirement): readonly (readonly string[])[] {
  // An application is given no scopes.
  if (scheme?.callers === 'app') return [[]];
  const choices = demands.map(scopesOf).filter((names) => names !== undefined);
  const sets = choices.reduce<readonly (readonly string[])[]>(
    (found, names) => found.flatMap((set) => names.map((name) => [...new Set([...set, name])].sort())),
    [[]],
  );
  return [...new Map(sets.map((set) => [set.join(' '), set])).values()];
}

const nameOf = ({ prototype, method }: OperationRoute) => `${prototype.constructor.name}.${String(method)}`;

/** The authorities of which a route takes tokens. */
function entriesFor(requirement: Requirement, entries: readonly Entry[], route: OperationRoute): readonly Entry[] {
  const { kind, policies } = requirement.scheme ?? {};
  const isMixed = new Set(entries.map(({ scheme }) => scheme)).size > 1;
  if (kind === undefined && isMixed) {
    throw new ConfigurationError(
      `${nameOf(route)} asks for a scope or role, and both Entra ID and B2C are configured: add @RequiresAuth() or @RequiresB2cAuth().`,
    );
  }
  const taken = entries.filter(
    ({ scheme, policy }) =>
      (kind === undefined || kind === 'any' || kind === scheme) &&
      (policies === undefined || policies.some((named) => isSamePolicy(named, policy))),
  );
  if (taken.length === 0 || (kind === 'any' && !isMixed)) {
    throw new ConfigurationError(`${nameOf(route)} asks for tokens of an authority that is not configured.`);
  }
  return taken;
}

function refusal(description: string, codes: readonly string[]): Json {
  const error = { type: 'string', enum: codes };
  return {
    description,
    headers: { 'WWW-Authenticate': { description: 'The challenge (RFC 6750).', schema: { type: 'string' } } },
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['error'],
          properties: { error, error_description: { type: 'string' } },
        },
      },
    },
  };
}

const responses: Json = {
  AccessTokenRefused: refusal('The access token is missing, or is not accepted.', [
    'missing_token',
    'invalid_token',
    'insufficient_claims',
  ]),
  AccessTokenInsufficient: refusal('The access token does not reach far enough.', ['insufficient_scope']),
};

const refusals: Json = {
  401: { $ref: '#/components/responses/AccessTokenRefused' },
  403: { $ref: '#/components/responses/AccessTokenInsufficient' },
};

/** The roles of each decorator, of which any will do. OpenAPI 3.0 has no place for roles beside scopes. */
function rolesOf({ demands }: Requirement): Json {
  const roles = demands.flatMap((demand) => (demand.kind === 'role' ? [demand.anyOf] : []));
  return roles.length === 0 ? {} : { 'x-required-roles': roles };
}

/** A path without the names of its parameters: `:id`, `:id(\\d+)?` and `{id}` stand for the same. */
function shapeOf(path: string): string {
  const shape = path.replace(/:\w+(\((?:[^()]|\([^()]*\))*\))?[?*+]?|\{[^}]*\}/g, '{}').replace(/\/+$/, '');
  return shape.startsWith('/') ? shape : `/${shape}`;
}

const addressOf = (httpMethod: string, path: string) => `${httpMethod.toLowerCase()} ${shapeOf(path)}`;

/** Finds the route that an operation describes. */
function routeFinder(
  routes: readonly OperationRoute[],
): (address: string, operation: Json) => OperationRoute | undefined {
  const byAddress = new Map<string, OperationRoute>();
  const byId = new Map<unknown, OperationRoute>();
  for (const route of routes) {
    const { httpMethod, path, operationId } = route;
    if (httpMethod !== undefined && path !== undefined) {
      const address = addressOf(httpMethod, path);
      // Hosts give a request to the route that was registered first.
      if (!byAddress.has(address)) byAddress.set(address, route);
    } else if (operationId !== undefined) byId.set(operationId, route);
  }
  return (address, operation) => byAddress.get(address) ?? byId.get(operation['operationId']);
}

/** Bound decorators belong to their own configuration, all others to that of the process. */
function isOf(requirement: Requirement, identity: Authenticator, isBound: boolean): boolean {
  return requirement.identity === undefined ? !isBound : requirement.identity === identity;
}

/**
 * An OpenAPI document with what the decorators demand: `components.securitySchemes`, and for each operation of a
 * protected route its own `security`, with full scope names, and the answers 401 and 403. An operation of an open route
 * gets an empty `security` where the document demands something of all; operations that no route describes stay as they
 * are. The document that is given is not changed. For routes of two configurations, call it once for each.
 *
 * @param document - of routing-controllers-openapi, `@nestjs/swagger` or any other tool
 * @param routes - the routes of the application
 * @param options - the configuration, its scopes and what they stand for, the Application ID URIs, and a prefix
 * @throws ConfigurationError before `initialize`, and where a route asks for an authority that is not configured
 */
export function withSecurity<Document extends OpenApiDocument>(
  document: Document,
  routes: readonly OperationRoute[],
  options: SecurityOptions = {},
): Document {
  const identity = identityOf(options);
  const isBound = options.identity !== undefined && options.identity !== identity;
  const entries = entriesOf(identity.settings, options);
  const scopes = scopesIn(options);
  const routeOf = routeFinder(routes);

  const secure = (operation: Json, address: string): Json => {
    const route = routeOf(address, operation);
    if (route === undefined) return operation;
    const requirement = requirementOf(route.prototype, route.method);
    if (requirement === undefined) {
      return document.security === undefined ? operation : { ...operation, security: [] };
    }
    if (!isOf(requirement, identity, isBound)) return operation;
    const sets = scopeSets(requirement);
    for (const scope of sets.flat()) if (!scopes.has(scope)) scopes.set(scope, '');
    const security = entriesFor(requirement, entries, route).flatMap(({ name, fullName }) =>
      sets.map((set): SecurityRequirement => ({ [name]: set.map(fullName) })),
    );
    const described = operation['responses'] as Json | undefined;
    return { ...operation, ...rolesOf(requirement), security, responses: { ...refusals, ...described } };
  };

  const secureAll = (item: Json, path: string): Json =>
    Object.fromEntries(
      Object.entries(item).map(([key, value]) => [
        key,
        httpMethods.includes(key) ? secure(value as Json, addressOf(key, path)) : value,
      ]),
    );

  const paths = Object.fromEntries(
    Object.entries(document.paths ?? {}).map(([path, item]) => [path, secureAll(item as Json, path)]),
  );
  const components = (document.components ?? {}) as { readonly securitySchemes?: Json; readonly responses?: Json };
  return {
    ...document,
    paths,
    components: {
      ...components,
      responses: { ...responses, ...components.responses },
      securitySchemes: { ...components.securitySchemes, ...schemesOf(entries, scopes) },
    },
  };
}
