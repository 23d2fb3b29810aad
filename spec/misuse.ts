/** What the types must refuse. Nothing here runs: `npm run types` fails where a line marked as an error compiles. */
import { claimCheck, requiresAuth, requiresClaim, resourceMetadata, withAuthInfo } from '../src/express.js';
import {
  authenticate,
  createMicrosoftIdentity,
  mcpAuthInfo,
  mcpTokenVerifier,
  protect,
  resourceMetadata as resourceMetadataOfFetch,
  toResponse,
  TokenClaims as ClaimsOfFetch,
} from '../src/fetch.js';
import {
  AccessTokenClaims,
  AllowAnonymous,
  AsApplication,
  asApplication,
  authorizationChecker,
  ClaimCheck,
  currentUserChecker,
  DenyGuests,
  DownstreamApi,
  getTokenClaims,
  initialize,
  InvalidTokenError,
  isAppOnly,
  OnBehalfOf,
  onBehalfOf,
  optionsFromEnvironment,
  RequiresAnyAuth,
  RequiresAuth,
  RequiresAuthContext,
  RequiresB2cAuth,
  RequiresClaim,
  RequiresRole,
  RequiresScopeOrAppPermission,
  resourceMetadataController,
  securitySchemes,
  TokenClaims,
  ValidateScope,
  withSecurity,
} from '../src/index.js';
import { MicrosoftIdentityGuard } from '../src/nestjs.js';
import { runAs } from '../src/testing.js';

const ids = { tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2', clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8' };

const secret = { clientSecret: 'secret' };
const graph = { baseUrl: 'https://graph.microsoft.com/v1.0' };

export function misuse(): void {
  // @ts-expect-error -- a scope is needed
  ValidateScope();
  // @ts-expect-error -- names are arguments, not a list
  ValidateScope(['read']);
  // @ts-expect-error -- a role is needed
  RequiresRole();
  // @ts-expect-error -- it takes no arguments
  RequiresAuth('read');
  // @ts-expect-error -- the option is called callers
  RequiresAuth({ caller: 'app' });
  // @ts-expect-error -- scopes have a decorator of their own
  RequiresAuth({ scopes: ['read'] });
  // @ts-expect-error -- options are an object, or left out
  RequiresAuth(null);
  // @ts-expect-error -- a policy is given by its option
  RequiresB2cAuth('B2C_1_susi');
  // @ts-expect-error -- it takes no arguments
  RequiresAnyAuth({ callers: 'app' });
  // @ts-expect-error -- it takes no arguments
  DenyGuests({ except: 'partners' });
  // @ts-expect-error -- it takes no arguments
  AllowAnonymous('GET');
  // @ts-expect-error -- both members are needed
  RequiresScopeOrAppPermission({ scope: 'read' });
  // @ts-expect-error -- one context alone
  RequiresAuthContext('c1', 'c2');
  // @ts-expect-error -- a claim is needed
  RequiresClaim();
  // @ts-expect-error -- values are arguments, not a list
  RequiresClaim('department', ['finance', 'legal']);
  // @ts-expect-error -- a value that may be missing would make the demand a weaker one
  RequiresClaim('department', process.env['DEPARTMENT']);
  const departments = (process.env['DEPARTMENTS'] ?? '').split(',');
  // @ts-expect-error -- a list that may be empty would make the demand a weaker one
  RequiresClaim('department', ...departments);
  // @ts-expect-error -- so it would on Express
  requiresClaim('department', ...departments);
  RequiresClaim('department', ...(['finance', 'legal'] as const));
  // @ts-expect-error -- a function is needed
  ClaimCheck();
  // @ts-expect-error -- claims are demanded by RequiresClaim
  ClaimCheck('department');
  // @ts-expect-error -- only true passes
  ClaimCheck((claims) => claims.oid);
  // @ts-expect-error -- the request is of no known type until the function declares it
  ClaimCheck((claims, request) => [claims.tid].includes(request));
  ClaimCheck((claims, request: { params: { tenant: string } }) => claims.tid === request.params.tenant);
  // @ts-expect-error -- options are named as initialize has them
  claimCheck({ check: () => true });
  // @ts-expect-error -- only true passes
  initialize({ ...ids, claimCheck: () => 'yes' });
  // @ts-expect-error -- true or false
  initialize({ ...ids, requireAuth: 'always' });
  // @ts-expect-error -- it reads the environment of the process
  optionsFromEnvironment(process.env);
  // @ts-expect-error -- downstream is undefined where no variable names an API
  initialize({ ...ids, downstream: { ...optionsFromEnvironment().downstream, maxEntries: 1 } });
  // @ts-expect-error -- one claim alone
  TokenClaims(['oid']);
  // @ts-expect-error -- options are an object
  requiresAuth('app');
  // @ts-expect-error -- the option is called identity
  authorizationChecker({ identiy: initialize(ids) });
  // @ts-expect-error -- an identity is given by its option
  authorizationChecker(initialize(ids));
  // @ts-expect-error -- it takes no arguments
  currentUserChecker({ identity: initialize(ids) });
  // @ts-expect-error -- the option is called scopes
  withSecurity({}, [], { scope: {} });
  // @ts-expect-error -- it is called with both lists at once
  withSecurity({}, [], { onUnmatched: (operations: readonly string[]) => operations });
  // @ts-expect-error -- a scope has a description
  withSecurity({}, [], { scopes: ['read'] });
  // @ts-expect-error -- routes come from operationRoutes
  withSecurity({}, { storage: {} });
  // @ts-expect-error -- the option is called prefix
  securitySchemes(initialize(ids), { prefx: 'partners-' });
  // @ts-expect-error -- the option is called requireAuth
  new MicrosoftIdentityGuard({ requireAuht: true });
  const request = new Request('http://localhost/');
  const handler = () => new Response();
  // @ts-expect-error -- a requirement is needed, if only {}
  protect(handler);
  // @ts-expect-error -- a handler is needed
  protect({ scope: 'read' });
  // @ts-expect-error -- the member is called scope
  protect({ scopes: 'read' }, handler);
  // @ts-expect-error -- a requirement is an object
  protect('read', handler);
  // @ts-expect-error -- a member that is there has a value
  protect({ scope: undefined }, handler);
  // @ts-expect-error -- only these words
  protect({ callers: 'people' }, handler);
  // @ts-expect-error -- both members are needed
  protect({ scopeOrAppPermission: { scope: 'read' } }, handler);
  // @ts-expect-error -- claims come after the request
  protect({}, (given: Request, claims: { readonly params: string }) => Response.json([given.url, claims.params]));
  // @ts-expect-error -- claims are read-only
  protect({}, (_: Request, claims) => Response.json((claims.sub = 'someone else')));
  // @ts-expect-error -- a token is no request
  void authenticate('Bearer x');
  // @ts-expect-error -- the member is called role
  void authenticate(request, { roles: 'Admin' });
  // @ts-expect-error -- an identity is given by its option
  void authenticate(request, {}, initialize(ids));
  // @ts-expect-error -- claims are there when the promise is
  isAppOnly(authenticate(request));
  // @ts-expect-error -- the request is an object
  toResponse(new Error(), 'HEAD');
  // @ts-expect-error -- values are needed where they are named
  protect({ claim: { name: 'department' } }, handler);
  // @ts-expect-error -- a value that may be missing would make the demand a weaker one
  protect({ claim: { name: 'department', values: process.env['DEPARTMENT'] } }, handler);
  // @ts-expect-error -- one claim alone
  protect({ claim: ['department', 'finance'] }, handler);
  // @ts-expect-error -- only true passes
  protect({ check: (claims) => claims.oid }, handler);
  // @ts-expect-error -- a claim has to be named
  requiresClaim();
  // @ts-expect-error -- the member is called scope
  mcpTokenVerifier({ requiredScopes: ['read'] });
  // @ts-expect-error -- an identity has a verifier of its own
  mcpTokenVerifier({}, { identity: initialize(ids) });
  // @ts-expect-error -- it needs the request
  mcpAuthInfo();
  // @ts-expect-error -- a token is no request
  mcpAuthInfo('Bearer x');
  // @ts-expect-error -- the SDK takes it on Node's request
  withAuthInfo(request);
  // @ts-expect-error -- the options are those of initialize
  resourceMetadata({ resource: 'https://api.contoso.com/mcp' });
  // @ts-expect-error -- so are these
  resourceMetadataOfFetch({ resource: 'https://api.contoso.com/mcp' });
  // @ts-expect-error -- and these
  resourceMetadataController({ resource: 'https://api.contoso.com/mcp' });
  // @ts-expect-error -- the URL of the API is needed
  initialize({ ...ids, resourceMetadata: { scopes: ['read'] } });
  // @ts-expect-error -- scopes are a list
  initialize({ ...ids, resourceMetadata: { resource: 'https://api.contoso.com/mcp', scopes: 'read' } });
  // @ts-expect-error -- a configuration of its own is given, not read from the environment
  createMicrosoftIdentity();
  // @ts-expect-error -- one claim alone
  ClaimsOfFetch(['oid']);
  // @ts-expect-error -- the option is called policy
  RequiresB2cAuth({ policies: 'B2C_1_susi' });
  // @ts-expect-error -- there is no such option
  initialize({ ...ids, validateIssuer: false });
  // @ts-expect-error -- a policy is needed
  initialize({ b2c: { domainName: 'contoso' } });
  // @ts-expect-error -- only these two words
  initialize({ ...ids, errors: 'ignore' });
  // @ts-expect-error -- on is the default; false turns it off
  initialize({ ...ids, tokenCache: true });
  // @ts-expect-error -- '*' or a list
  initialize({ ...ids, allowedTenants: ids.tenantId });
  // @ts-expect-error -- the name of an API is needed
  OnBehalfOf();
  // @ts-expect-error -- one API alone
  OnBehalfOf('graph', 'inventory');
  // @ts-expect-error -- scopes are needed
  OnBehalfOf({ baseUrl: 'https://graph.microsoft.com/v1.0' });
  // @ts-expect-error -- the option is called scopes
  OnBehalfOf({ scope: 'https://graph.microsoft.com/User.Read' });
  // @ts-expect-error -- on behalf of a user, the tenant is that of the user
  OnBehalfOf('graph', { tenantId: ids.tenantId });
  // @ts-expect-error -- the name of an API is needed
  AsApplication();
  // @ts-expect-error -- the option is called tenantId
  AsApplication('graph', { tenant: 'caller' });
  // @ts-expect-error -- options are an object
  asApplication('graph', 'caller');
  // @ts-expect-error -- the request is an object
  onBehalfOf('graph', 'ada');
  // @ts-expect-error -- it comes from helpers and decorators
  new DownstreamApi();
  // @ts-expect-error -- the method is that of the verb
  void onBehalfOf('graph').get('/me', { method: 'POST' });
  // @ts-expect-error -- a body is for post, put and patch
  void onBehalfOf('graph').get('/me', { body: '{}' });
  // @ts-expect-error -- a credential is needed
  initialize({ ...ids, downstream: { apis: {} } });
  // @ts-expect-error -- an assertion is a function, so that it can be renewed
  initialize({ ...ids, downstream: { credential: { assertion: 'a.b.c' } } });
  // @ts-expect-error -- scopes are needed
  initialize({ ...ids, downstream: { credential: secret, apis: { graph } } });
  // @ts-expect-error -- a store has get and set
  initialize({ ...ids, downstream: { credential: secret, store: { get: () => Promise.resolve('') } } });
  // @ts-expect-error -- the reasons are a closed list
  new InvalidTokenError('because');
  // @ts-expect-error -- claims are read-only
  getTokenClaims().sub = 'someone else';
  // @ts-expect-error -- claims that a test gives are an object
  runAs('access_as_user', () => undefined);
  // @ts-expect-error -- exp is a number
  getTokenClaims().exp.trim();
}

/** What a decorator that calls others has to pass on and return. */
export const composedOfMethod = (target: object, key: string): void => {
  // @ts-expect-error -- without the descriptor, the compiled class puts the method back as it was
  RequiresAuth()(target, key);
};
export const composedOfClass = <Class extends object>(target: Class): Class =>
  RequiresRole('Admin')(RequiresAuth()(target));

/** Where a decorator may stand, in the words of the compiler: as a method's, and as a parameter's. */
type MethodDecorator = (target: object, propertyKey: string, descriptor: PropertyDescriptor) => void;
// @ts-expect-error -- it belongs on a parameter
export const onMethod: MethodDecorator = TokenClaims();
// @ts-expect-error -- so does this
export const apiOnMethod: MethodDecorator = OnBehalfOf('graph');

export class Misused {
  // @ts-expect-error -- the decorator is made by a call
  @RequiresAuth
  notCalled(): void {
    return undefined;
  }

  // @ts-expect-error -- so is one without options
  @AllowAnonymous
  neitherCalled(): void {
    return undefined;
  }

  // @ts-expect-error -- so is that of a parameter
  claimsNotCalled(@TokenClaims claims: AccessTokenClaims): string {
    return claims.iss;
  }

  // @ts-expect-error -- so is that of an API
  apiNotCalled(@OnBehalfOf graph: DownstreamApi): unknown {
    return graph;
  }

  // @ts-expect-error -- it belongs on a method, or a class
  @RequiresAuth()
  property = 1;

  // A class import survives every compiler in a decorated signature.
  @RequiresAuth()
  fine(@TokenClaims() claims: AccessTokenClaims, @TokenClaims('oid') oid: string): string {
    return `${claims.iss}${oid}`;
  }

  @RequiresAuth()
  alsoFine(
    @OnBehalfOf('graph') graph: DownstreamApi,
    @AsApplication('stock', { tenantId: 'caller' }) stock: DownstreamApi,
  ) {
    return [graph, stock];
  }
}
