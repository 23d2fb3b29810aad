/** What a developer is told of a genuine token that is not what its route takes: by the gate and by the doctor. */
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { seenToken } from '../../src/gate/credential-mistake.js';
import { explain } from '../../src/gate/explanation.js';
import { examine } from '../../src/doctor/examination.js';
import { issuer, useIssuer } from '../doctor/run.js';
import { start } from '../support/clock.js';
import { errorOf, expectRefused } from '../support/refusals.js';
import { refusedKinds } from '../support/refused-kinds.js';

useIssuer();

describe('a token', () => {
  it.each(refusedKinds)('$when is explained as $code', async ({ make, reason, code, ...route }) => {
    const { scheme = 'entra', demands = [], options } = route;
    const token = await make(issuer);
    const identity = createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, now: () => start, ...options });
    const requirement = { scheme: { kind: scheme }, demands } as const;
    const request = { headers: { authorization: `Bearer ${token}` } };
    const refusal = (await errorOf(() => identity.authenticate(request, requirement))) as Refusal;
    expectRefused(refusal, reason);
    expect(explain(refusal, seenToken(token), identity.settings, { scheme }).code).toBe(code);
    const { verdict } = await examine({ token, settings: identity.settings, requirement, offline: false });
    expect(verdict).toMatchObject({ status: 'fail', reason, cause: code });
  });
});
