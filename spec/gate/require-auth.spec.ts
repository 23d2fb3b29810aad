import { afterEach, describe, expect, it } from 'vitest';
import { ConfigurationError, initialize, type IdentityOptions } from '../../src/express.js';
import { identityInForce } from '../../src/gate/identity-in-force.js';
import { enforcesRequireAuth } from '../../src/gate/require-auth.js';
import { forgetIdentity } from '../support/isolation.js';

const options: IdentityOptions = {
  tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2',
  clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8',
};

afterEach(forgetIdentity);

// Neither routing-controllers nor Nest is loaded in this process.
describe('requireAuth where no host enforces it', () => {
  it('is refused, says what to write instead, and leaves the configuration in force', () => {
    const inForce = initialize(options);
    const act = () => initialize({ ...options, requireAuth: true });
    expect(act).toThrow(ConfigurationError);
    expect(act).toThrow('On Express, write app.use(requiresAuth()).');
    expect(identityInForce()).toBe(inForce);
    expect(initialize({ ...options, requireAuth: false })).toBeDefined();
  });

  it('is taken once a host enforces it, which is prepared each time', () => {
    let prepared = 0;
    enforcesRequireAuth('host', () => prepared++);
    initialize(options);
    expect(prepared).toBe(0);
    initialize({ ...options, requireAuth: true });
    initialize({ ...options, requireAuth: true });
    expect(prepared).toBe(2);
  });
});
