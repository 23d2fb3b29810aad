/** Adds to a copy of an OpenAPI document what the decorators require. Knows no framework. */
import { isSamePolicy } from '../core/access/demand-names.js';
import { acceptedScopes } from '../core/access/demanded-scopes.js';
import type { Authenticator, Requirement } from '../core/access/requirement.js';
import { schemeFor } from '../core/access/scheme.js';
import type { Settings } from '../core/configuration/settings.js';
import { requirementOf } from '../decorators/decorated-elements.js';
import { ConfigurationError } from '../core/errors.js';
import { requirementOfUndecorated } from '../decorators/undecorated.js';
import { identityInForce } from '../gate/identity-in-force.js';
import { warnDeveloper } from '../gate/refusal.js';
import { routeFinder, type Json, type OperationRoute, type UnmatchedOperations } from './operation-route.js';
import {
  checkSecurityOptions,
  entriesOf,
  identityToDescribe,
  schemesOf,
  scopesIn,
  type Entry,
  type SecurityOptions,
} from './security-schemes.js';

/** What is used of an OpenAPI document. */
export interface OpenApiDocument {
  readonly paths?: object | undefined;
  readonly components?: object | undefined;
  readonly security?: readonly unknown[] | undefined;
}

/** The options of `withSecurity`. */
export interface DocumentOptions extends SecurityOptions {
  /**
   * Is called where the document and the routes do not match: an operation may be described as open that is protected, or
   * a route not at all. Default: a warning. A function that throws stops a build.
   */
  readonly onUnmatched?: ((unmatched: UnmatchedOperations) => void) | undefined;
}

function warnOfUnmatched({ operations, routes }: UnmatchedOperations): void {
  const parts = [
    operations.length === 0 ? '' : ` Operations without a route were left as they are: ${operations.join(', ')}.`,
    routes.length === 0 ? '' : ` Routes without an operation: ${routes.join(', ')}.`,
  ];
  warnDeveloper(
    new ConfigurationError(
      `withSecurity(): the document and the routes do not match.${parts.join('')} See onUnmatched.`,
    ),
  );
}

type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

const httpMethods: readonly string[] = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** The sets of scopes that satisfy a route: of each decorator, one name. */
function scopeSets({ scheme, demands }: Requirement): readonly (readonly string[])[] {
  // The token of an application has no scopes.
  if (scheme?.callers === 'app') return [[]];
  const choices = demands.map(acceptedScopes).filter((names) => names !== undefined);
  const sets = choices.reduce<readonly (readonly string[])[]>(
    (found, names) => found.flatMap((set) => names.map((name) => [...new Set([...set, name])].sort())),
    [[]],
  );
  return [...new Map(sets.map((set) => [set.join(' '), set])).values()];
}

/** The authorities whose tokens a route accepts. */
function entriesFor(requirement: Requirement, entries: readonly Entry[], settings: Settings): readonly Entry[] {
  const kind = schemeFor(requirement, settings);
  const policies = requirement.scheme?.policies;
  return entries.filter(
    ({ scheme, policy }) =>
      (kind === 'any' || kind === scheme) &&
      (policies === undefined || policies.some((named) => isSamePolicy(named, policy))),
  );
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
  AccessTokenInsufficient: refusal('The access token does not satisfy what the operation requires.', [
    'insufficient_scope',
  ]),
};

const refusals: Json = {
  401: { $ref: '#/components/responses/AccessTokenRefused' },
  403: { $ref: '#/components/responses/AccessTokenInsufficient' },
};

/** For each decorator the roles of which one is enough. OpenAPI 3.0 has no member for roles. */
function requiredRoles({ demands }: Requirement): Json {
  const roles = demands.flatMap((demand) => (demand.kind === 'role' ? [demand.anyOf] : []));
  return roles.length === 0 ? {} : { 'x-required-roles': roles };
}

/** The claims that a route demands, each with the values of which one is enough. */
function requiredClaims({ demands }: Requirement): Json {
  const claims = demands.flatMap((demand) => {
    if (demand.kind !== 'claim') return [];
    const { claim, values } = demand;
    return [values.length === 0 ? { claim } : { claim, values }];
  });
  return claims.length === 0 ? {} : { 'x-required-claims': claims };
}

/** Whether a configuration checks a route: bound decorators have their own, all others that of the process. */
function isCheckedBy(identity: Authenticator, requirement: Requirement, isBound: boolean): boolean {
  return requirement.identity === undefined ? !isBound : requirement.identity === identity;
}

/**
 * A copy of an OpenAPI document, with what the decorators require.
 *
 * It has `components.securitySchemes`. Each operation of a protected route has its own `security`, with full scope names,
 * and the answers 401 and 403. If the document has a `security` for all operations, each operation of an open route has
 * an empty one. An operation without a route stays as it is. For routes of two configurations, call it once for each.
 *
 * @param document - of routing-controllers-openapi, `@nestjs/swagger` or any other tool
 * @param routes - the routes of the application
 * @param options - the configuration, its scopes with a description, the Application ID URIs, a prefix, and what to do
 *   where document and routes do not match
 * @throws ConfigurationError before `initialize`, and where a route requires an authority that is not configured
 */
export function withSecurity<Document extends OpenApiDocument>(
  document: Document,
  routes: readonly OperationRoute[],
  options: DocumentOptions = {},
): Document {
  const names = ['identity', 'scopes', 'appIdUri', 'prefix', 'onUnmatched'];
  checkSecurityOptions('withSecurity', 'document, routes', options, names);
  const { onUnmatched = warnOfUnmatched } = options;
  if (typeof onUnmatched !== 'function') throw new ConfigurationError('withSecurity: onUnmatched takes a function.');
  const identity = identityToDescribe(options);
  const isBound = options.identity !== undefined && options.identity !== identity;
  const entries = entriesOf(identity.settings, options);
  const scopes = scopesIn(options);
  const finder = routeFinder(routes);

  const secure = (operation: Json, httpMethod: string, path: string): Json => {
    const route = finder.find(httpMethod, path, operation);
    if (route === undefined) return operation;
    const { prototype, method } = route;
    const ofProcess = isBound ? identityInForce() : identity;
    const requirement = requirementOf(prototype, method) ?? requirementOfUndecorated(prototype, method, ofProcess);
    if (requirement === undefined) {
      return document.security === undefined ? operation : { ...operation, security: [] };
    }
    if (!isCheckedBy(identity, requirement, isBound)) return operation;
    const sets = scopeSets(requirement);
    for (const scope of sets.flat()) if (!scopes.has(scope)) scopes.set(scope, '');
    const security = entriesFor(requirement, entries, identity.settings).flatMap(({ name, fullName }) =>
      sets.map((set): SecurityRequirement => ({ [name]: set.map(fullName) })),
    );
    const described = operation['responses'] as Json | undefined;
    return {
      ...operation,
      ...requiredRoles(requirement),
      ...requiredClaims(requirement),
      security,
      responses: { ...refusals, ...described },
    };
  };

  const secureAll = (item: Json, path: string): Json =>
    Object.fromEntries(
      Object.entries(item).map(([key, value]) => [
        key,
        httpMethods.includes(key) ? secure(value as Json, key, path) : value,
      ]),
    );

  const paths = Object.fromEntries(
    Object.entries(document.paths ?? {}).map(([path, item]) => [path, secureAll(item as Json, path)]),
  );
  const unmatched = finder.unmatched();
  if (unmatched.operations.length + unmatched.routes.length > 0) onUnmatched(unmatched);
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
