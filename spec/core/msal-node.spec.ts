import { afterEach, describe, expect, it, vi } from 'vitest';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { ConfigurationError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { loadMsalNode } from '../../src/core/msal-node.js';
import { startTestIssuer } from '../../src/testing.js';
import { errorOf } from '../support/refusals.js';

const installation = vi.hoisted(() => ({ isMissing: false, loads: 0 }));

vi.mock('@azure/msal-node', () => {
  installation.loads++;
  if (installation.isMissing) throw new Error('not found');
  return { ConfidentialClientApplication: class {} };
});

async function readyWith(downstream: IdentityOptions['downstream']): Promise<void> {
  const issuer = await startTestIssuer();
  const identity = createIdentity({ ...issuer.options, downstream });
  try {
    await identity.ready();
  } finally {
    identity.close();
    await issuer.close();
  }
}

const downstream = { credential: { clientSecret: 'x' } };

afterEach(() => {
  installation.isMissing = false;
});

describe('msal-node', () => {
  it('is not loaded where no other API is called', async () => {
    await readyWith(undefined);
    expect(installation.loads).toBe(0);
  });

  it('is asked for by ready(), and its absence says what to install', async () => {
    installation.isMissing = true;
    const error = await errorOf(() => readyWith(downstream));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain('npm install @azure/msal-node');
    expect((error as Error).cause).toBeInstanceOf(Error);
  });

  it('is loaded once', async () => {
    vi.resetModules();
    await readyWith(downstream);
    const loads = installation.loads;
    expect(await loadMsalNode()).toBe(await loadMsalNode());
    await readyWith(downstream);
    expect(installation.loads).toBe(loads);
  });
});
