import { afterEach, describe, expect, it, vi } from 'vitest';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import { ConfigurationError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { codeOfMsalError, loadMsalNode } from '../../src/core/msal-node.js';
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
    expect((error as Error).message).toBe(
      'The option downstream needs the package @azure/msal-node, which could not be loaded. Run: npm install @azure/msal-node',
    );
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

describe('the code of an error of msal-node', () => {
  it.each(['invalid_grant', 'a', 'a'.repeat(60)])('is shown: %s', (errorCode) => {
    expect(codeOfMsalError({ errorCode, errorMessage: 'sEcr3t' })).toBe(errorCode);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['no object', 'invalid_grant'],
    ['an error of another kind', new Error('invalid_grant')],
    ['an error whose code is a number', { errorCode: 65001 }],
    ['an error whose code is empty', { errorCode: '' }],
    ['an error whose code has a capital', { errorCode: 'AADSTS' }],
    ['an error whose code has a space before it', { errorCode: ' invalid_grant' }],
    ['an error whose code has a text after it', { errorCode: 'invalid_grant: sEcr3t' }],
    ['an error whose code is too long', { errorCode: 'a'.repeat(61) }],
  ])('is unknown of %s', (_, error) => {
    expect(codeOfMsalError(error)).toBe('an unknown error');
  });
});
