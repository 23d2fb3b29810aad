/** What the types must refuse. Nothing here runs: `npm run types` fails where a line marked as an error compiles. */
import { requiresAuth } from '../src/express.js';
import {
  AccessTokenClaims,
  AllowAnonymous,
  authorizationChecker,
  currentUserChecker,
  DenyGuests,
  getTokenClaims,
  initialize,
  InvalidTokenError,
  RequiresAnyAuth,
  RequiresAuth,
  RequiresAuthContext,
  RequiresB2cAuth,
  RequiresRole,
  RequiresScopeOrAppPermission,
  securitySchemes,
  TokenClaims,
  ValidateScope,
  withSecurity,
} from '../src/index.js';
import { MicrosoftIdentityGuard } from '../src/nestjs.js';
import { runAs } from '../src/testing.js';

const ids = { tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2', clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8' };

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
  // @ts-expect-error -- the option is called prefix
  securitySchemes(initialize(ids), { prefx: 'partners-' });
  // @ts-expect-error -- the option is called requireAuth
  new MicrosoftIdentityGuard({ requireAuht: true });
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

  // @ts-expect-error -- it belongs on a method, or a class
  @RequiresAuth()
  property = 1;

  // A class import survives every compiler in a decorated signature.
  @RequiresAuth()
  fine(@TokenClaims() claims: AccessTokenClaims, @TokenClaims('oid') oid: string): string {
    return `${claims.iss}${oid}`;
  }
}
