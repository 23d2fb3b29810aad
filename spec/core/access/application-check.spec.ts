import { describe, expect, it } from 'vitest';
import type { AccessTokenClaims } from '../../../src/core/access-token-claims.js';
import { checkDemands } from '../../../src/core/access/requirement-checks.js';
import { areChecksDemanded } from '../../../src/core/access/application-check.js';
import { anyOf, requirementBy, requires, type Demand, type Requirement } from '../../../src/core/access/requirement.js';
import { ConfigurationError } from '../../../src/core/errors.js';
import { callerKindBy } from '../../../src/core/token/caller-kind.js';
import type { VerifiedToken } from '../../../src/core/token/verified-token.js';
import { errorOf, refuses } from '../../support/refusals.js';

const tokenOf = (claims: object): VerifiedToken => ({
  kind: 'entra',
  claims: claims as AccessTokenClaims,
  callerKind: callerKindBy(claims as AccessTokenClaims),
  policy: undefined,
  authority: { realm: 'realm', authorizationUri: 'https://login.example/authorize' },
});

const demandOf = ({ demands: [demand] }: Requirement): Demand => demand ?? expect.fail('nothing is demanded');

describe('a check of the application', () => {
  const request = { params: { tenant: 't' } };
  const ask = (held: Parameters<typeof requires.check>[0], ...others: readonly Demand[]) =>
    checkDemands(
      { scheme: undefined, demands: [demandOf(requires.check(held)), ...others], at: 'Orders.list' },
      { token: tokenOf({ scp: 'a', oid: 'ada' }) },
      undefined,
      request,
    );

  it('is given the claims and the request, and nothing else', () => {
    const given: unknown[] = [];
    const demand = requires.check(function (this: unknown, ...parameters: unknown[]) {
      given.push(this, ...parameters);
      return true;
    });
    const token = tokenOf({ oid: 'ada' });
    expect(checkDemands(demand, { token }, undefined, request)).toBeUndefined();
    expect(given).toEqual([undefined, token.claims, request]);
  });

  it('makes no promise where it answers at once, and awaits any thenable', async () => {
    expect(ask(() => true)).toBeUndefined();
    const pending = ask(async () => Promise.resolve(true));
    expect(pending).toBeInstanceOf(Promise);
    expect(await pending).toBeUndefined();
    const thenable = {
      then: (fulfil: (answer: boolean) => void) => {
        fulfil(true);
      },
    } as Promise<boolean>;
    expect(await ask(() => thenable)).toBeUndefined();
  });

  it('is kept in mind: a request is then kept at hand for it', () => {
    requirementBy('check', '@ClaimCheck', [() => true]);
    expect(areChecksDemanded()).toBe(true);
  });

  it('is asked once for a request that it let in, and again where it is another check', () => {
    const asked: string[] = [];
    const noting = (name: string) => demandOf(requires.check(() => asked.push(name) > 0));
    const [first, second] = [noting('first'), noting('second')];
    const satisfied: Requirement = { scheme: undefined, demands: [first] };
    const caller = { token: tokenOf({}), requirement: satisfied };
    expect(checkDemands({ scheme: undefined, demands: [first, second] }, caller, undefined, request)).toBeUndefined();
    expect(asked).toEqual(['second']);
    expect(checkDemands(satisfied, { token: tokenOf({}) }, undefined, request)).toBeUndefined();
    expect(asked).toEqual(['second', 'first']);
  });

  it('is named as that of a route where its method is not known', async () => {
    const throws = requires.check(() => {
      throw new TypeError('sEcr3t');
    });
    const error = await errorOf(() => checkDemands(throws, { token: tokenOf({}) }, undefined, request));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toBe(
      'The check of A route threw an error (TypeError). A check returns true or false.',
    );
  });

  it.each([[false], [undefined], [null], [1], ['true'], [{}], [[true]]])(
    'refuses where it answers %j, now or later',
    async (answer) => {
      await refuses(() => ask(() => answer as boolean), 'check');
      await refuses(() => ask(() => Promise.resolve(answer as boolean)), 'check');
    },
  );

  it('is an error of the developer where it throws or rejects, and shows no text of it', async () => {
    const failure = new TypeError('m4rk3r-claim');
    const fails: readonly (() => unknown)[] = [
      () =>
        ask(() => {
          throw failure;
        }),
      () => ask(() => Promise.reject(failure)),
    ];
    for (const fail of fails) {
      const error = await errorOf(fail);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error).toMatchObject({
        message: 'The check of Orders.list threw an error (TypeError). A check returns true or false.',
        cause: failure,
      });
    }
    expect(await errorOf(() => ask(() => Promise.reject(Object.create(null) as Error)))).toMatchObject({
      message: 'The check of Orders.list threw an error (object). A check returns true or false.',
    });
  });

  it('is asked after all other demands, and not after a refusal', async () => {
    const never = () => expect.fail('the check was asked');
    await refuses(() => ask(never, anyOf('role', ['Admin'])), 'role');
    await refuses(() => ask(never, demandOf(requires.claim('department'))), 'check');
    expect(await errorOf(() => ask(never, anyOf('group', ['staff'])))).toMatchObject({ reason: 'group' });
    await refuses(() => ask(() => false, demandOf(requires.check(never))), 'check');
    await refuses(() => ask(async () => Promise.resolve(false), demandOf(requires.check(never))), 'check');
  });

  it('waits for groups that are looked up, and returns them', async () => {
    const asked: string[] = [];
    const demands = [
      demandOf(
        requires.check(() => {
          asked.push('check');
          return true;
        }),
      ),
      anyOf('group', ['staff']),
    ];
    const resolveGroups = () => {
      asked.push('groups');
      return Promise.resolve(['staff']);
    };
    const token = tokenOf({ hasgroups: true });
    expect(await checkDemands({ scheme: undefined, demands }, { token }, resolveGroups)).toEqual(['staff']);
    expect(asked).toEqual(['groups', 'check']);
  });
});
