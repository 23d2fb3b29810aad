import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyOf, type Requirement } from '../../src/core/access/requirement.js';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { ConfigurationError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';
import { errorOf, refuses } from '../support/refusals.js';

const entra: Requirement['scheme'] = { kind: 'entra' };
const b2c: Requirement['scheme'] = { kind: 'b2c' };

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());

const identityOf = (options: IdentityOptions = {}) =>
  createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, ...options });

describe('authorize, of a token that is verified', () => {
  const ofStaff: Requirement = { scheme: undefined, demands: [anyOf('group', ['staff'])] };
  const ofGuards: Requirement = { scheme: undefined, demands: [anyOf('group', ['guards'])] };
  const verified = async (identity: ReturnType<typeof identityOf>, claims = {}) => ({
    token: (
      await identity.authenticate(
        { headers: { authorization: `Bearer ${await issuer.token(claims)}` } },
        { scheme: entra, demands: [] },
      )
    ).token,
  });

  it('checks a verified token against a further requirement', async () => {
    const identity = identityOf();
    const caller = await verified(identity, { scp: 'report.read' });
    const asking = (scheme: Requirement['scheme'], scope: string) => ({ scheme, demands: [anyOf('scope', [scope])] });
    expect(identity.authorize(caller, asking(undefined, 'report.read'))).toBeUndefined();
    expect(identity.authorize(caller, asking(entra, 'report.read'))).toBeUndefined();
    await refuses(() => identity.authorize(caller, asking(undefined, 'report.write')), 'scope', 'report.write');
    await refuses(() => identity.authorize(caller, asking(b2c, 'report.read')), 'policy');
  });

  it('answers 500 where the requirement names a scheme that is not configured', async () => {
    const identity = identityOf({ b2c: undefined });
    const caller = await verified(identity);
    const error = await errorOf(() => identity.authorize(caller, { scheme: b2c, demands: [] }));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toMatch(/B2C, .* Set b2c,/);
    expect(identity.authorize(caller, { scheme: undefined, demands: [] })).toBeUndefined();
  });

  it('looks up the groups of one caller once, however many requirements ask for them', async () => {
    const asked: unknown[] = [];
    const identity = identityOf({
      resolveGroups: ({ oid }) => {
        asked.push(oid);
        return Promise.resolve(['staff']);
      },
    });
    const caller = await verified(identity, { hasgroups: true, oid: 'one' });
    await expect(identity.authorize(caller, ofStaff)).resolves.toEqual(['staff']);
    await expect(identity.authorize(caller, ofStaff)).resolves.toEqual(['staff']);
    expect(await errorOf(() => identity.authorize(caller, ofGuards))).toMatchObject({ reason: 'group' });
    expect(asked).toEqual(['one']);
    await identity.authorize(await verified(identity, { hasgroups: true, oid: 'other' }), ofStaff);
    expect(asked).toEqual(['one', 'other']);
  });

  it('refuses a caller whose groups are not in the token where there is nothing to look them up with', async () => {
    const identity = identityOf();
    const caller = await verified(identity, { hasgroups: true });
    expect(await errorOf(() => identity.authorize(caller, ofStaff))).toMatchObject({ reason: 'groups_overage' });
  });
});
