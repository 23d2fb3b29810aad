import { describe, expect, it } from 'vitest';
import { requirementCompiler, requirementFrom } from '../../../src/core/access/requirement-object.js';
import { requires } from '../../../src/core/access/requirement.js';
import { createIdentity } from '../../../src/core/identity.js';
import { ConfigurationError } from '../../../src/index.js';

const at = 'protect()';
const always = () => true;
const identity = createIdentity({
  tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2',
  clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8',
});

function refusalOf(given: unknown): string {
  try {
    requirementFrom(given, at);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  throw new Error('The requirement was taken.');
}

describe('a requirement as an object', () => {
  it.each([
    [{ scheme: 'entra' }, requires.entra()],
    [{ scheme: 'any' }, requires.any()],
    [{ callers: 'app' }, requires.entra({ callers: 'app' })],
    [{ scheme: 'entra', callers: 'user' }, requires.entra({ callers: 'user' })],
    [{ policy: 'B2C_1_a' }, requires.b2c({ policy: 'B2C_1_a' })],
    [{ scheme: 'b2c', policy: ['B2C_1_a', 'B2C_1_b'] }, requires.b2c({ policy: ['B2C_1_a', 'B2C_1_b'] })],
    [{ scope: 'read' }, requires.scope('read')],
    [{ scope: ['read', 'write'] }, requires.scope('read', 'write')],
    [{ role: ['Admin', 'Editor'] }, requires.role('Admin', 'Editor')],
    [{ group: 'staff' }, requires.group('staff')],
    [{ denyGuests: true }, requires.notGuest()],
    [{ authContext: 'c1' }, requires.authContext('c1')],
    [{ claim: 'department' }, requires.claim('department')],
    [{ claim: { name: 'department', values: 'finance' } }, requires.claim('department', 'finance')],
    [{ claim: { name: 'level', values: [1, 2] } }, requires.claim('level', 1, 2)],
    [{ check: always }, requires.check(always)],
    [
      { scopeOrAppPermission: { scope: 'read', appPermission: ['Read.All'] } },
      requires.scopeOrAppPermission({ scope: 'read', appPermission: ['Read.All'] }),
    ],
  ])('requires what the decorator of that name requires: %j', (given, { scheme, demands }) => {
    expect(requirementFrom(given, at)).toEqual({ at, identity: undefined, isWhole: true, scheme, demands });
  });

  it('requires all of its members, of the configuration it is for', () => {
    const requirement = requirementFrom({ role: 'Admin', scope: 'read', callers: 'user' }, at, identity);
    expect(requirement).toEqual({
      at,
      identity,
      isWhole: true,
      scheme: requires.entra({ callers: 'user' }).scheme,
      demands: [...requires.scope('read').demands, ...requires.role('Admin').demands],
    });
    expect(Object.isFrozen(requirement)).toBe(true);
  });

  it.each([{}, { denyGuests: false }, { callers: undefined, policy: undefined }])(
    'requires a valid token alone: %j',
    (given) => {
      expect(requirementFrom(given, at)).toEqual({
        at,
        identity: undefined,
        isWhole: true,
        scheme: undefined,
        demands: [],
      });
    },
  );

  it('has the members of its class', () => {
    const readers = { scope: 'read' };
    class Readers {
      get scope(): string {
        return readers.scope;
      }
    }
    expect(requirementFrom(new Readers(), at).demands).toEqual(requires.scope('read').demands);
  });

  it.each<[unknown, string]>([
    [
      undefined,
      "protect(): got undefined; it takes an object of options. Write a requirement such as { scope: 'access",
    ],
    [null, 'protect(): got null; it takes an object of options'],
    ['read', "protect(): got 'read'; it takes an object of options"],
    [['read'], 'protect(): got a list of 1; it takes an object of options'],
    [() => undefined, 'protect(): got a function; it takes an object of options'],
    [{ scopes: 'read' }, "protect(): got 'scopes', which is no option; it takes scheme, callers, policy, scope, role"],
    [Object.create({ sope: 'read' }), "protect(): got 'sope', which is no option"],
    [{ scheme: 'entraId' }, "scheme takes 'entra', 'b2c' or 'any'."],
    [{ scheme: undefined }, "scheme takes 'entra', 'b2c' or 'any'."],
    [{ callers: 'people' }, "callers takes 'user', 'app' or 'any'."],
    [{ policy: [] }, 'protect(): policy: At least one policy name is needed.'],
    [{ scope: undefined }, 'A scope name is blank.'],
    [{ scope: [] }, 'protect(): scope: At least one scope name is needed.'],
    [{ scope: '' }, 'A scope name is blank.'],
    [{ scope: 'read write' }, 'A scope name has white space.'],
    [{ scope: [['read']] }, 'A scope name is blank.'],
    [{ role: undefined }, 'A role name is blank.'],
    [{ role: true }, 'A role name is blank.'],
    [{ group: undefined }, 'A group name is blank.'],
    [{ denyGuests: undefined }, 'denyGuests takes true or false.'],
    [{ denyGuests: 'yes' }, 'protect(): denyGuests takes true or false.'],
    [{ authContext: undefined }, 'An authentication context is named c1 to c99.'],
    [{ authContext: ['c1'] }, 'An authentication context is named c1 to c99.'],
    [{ claim: undefined }, 'A claim name is blank.'],
    [{ claim: null }, 'claim: got null; it takes an object of options. Write claim({ name:'],
    [{ claim: ['department', 'finance'] }, 'claim: got a list of 2; it takes an object of options'],
    [{ claim: { department: 'finance' } }, "claim: got 'department', which is no option; it takes name, values"],
    [{ claim: { name: 'department' } }, 'claim: got no values, which is required'],
    [{ claim: { name: 'department', values: undefined } }, 'claim: got no values, which is required'],
    [{ claim: { name: 'department', values: [] } }, 'protect(): claim: At least one value of the claim is needed.'],
    [{ claim: { name: 'department', values: [undefined] } }, 'A value of a claim is blank, or is no number.'],
    [{ check: undefined }, 'check: got undefined; it takes a function'],
    [{ check: true }, 'protect(): check: got true; it takes a function'],
    [
      { scopeOrAppPermission: undefined },
      'scopeOrAppPermission: got no scope, which is required. Write scopeOrAppPermission({ scope:',
    ],
    [{ scopeOrAppPermission: { scope: 'a', appPermissions: 'b' } }, "got 'appPermissions', which is no option"],
    [{ scheme: 'b2c', callers: 'app' }, 'protect() combines two of @RequiresAuth(), @RequiresB2cAuth()'],
    [{ scheme: 'any', policy: 'B2C_1_a' }, 'protect() combines two of'],
    [{ callers: 'app', policy: 'B2C_1_a' }, 'protect() combines two of'],
  ])('is refused: %j', (given, problem) => {
    expect(refusalOf(given)).toContain(problem);
  });
});

describe('a compiler of requirements', () => {
  it('compiles once what cannot change', () => {
    const compile = requirementCompiler(at);
    const lists = Object.freeze({ scope: Object.freeze(['read', 'write']) });
    expect(compile(lists)).toBe(compile(lists));
  });

  it.each([
    ['that is not frozen', { scope: 'read' }],
    ['with one list of two that is not frozen', Object.freeze({ scope: Object.freeze(['read']), role: ['Admin'] })],
    ['with a list that is not frozen', Object.freeze({ scope: ['read'] })],
    [
      'with a getter',
      Object.freeze({
        get scope() {
          return 'read';
        },
      }),
    ],
    ['of a class', Object.freeze(Object.create({ scope: 'read' }) as object)],
  ])('compiles each time an object %s', (_, given) => {
    const compile = requirementCompiler(at);
    expect(compile(given)).not.toBe(compile(given));
    expect(compile(given)).toEqual(compile(given));
  });
});
