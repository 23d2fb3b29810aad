import { describe, expect, it, vi } from 'vitest';
import type { AccessTokenClaims } from '../../../src/core/access-token-claims.js';
import { parseSettings } from '../../../src/core/configuration/parse-settings.js';
import type { EntraSettings } from '../../../src/core/configuration/settings.js';
import type { IdentityOptions } from '../../../src/core/configuration/options.js';
import { ConfigurationError } from '../../../src/core/errors.js';
import { consumerTenant } from '../../../src/core/issuers/issuer.js';
import { askAboutTenant, isListedTenant } from '../../../src/core/token/allowed-tenants.js';
import type { VerifiedToken } from '../../../src/core/token/verified-token.js';
import { errorOf, refuses } from '../../support/refusals.js';

const tenant = '11111111-2222-4333-8444-555555555555';
const other = '99999999-2222-4333-8444-555555555555';
const clientId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';

function settingsOf(tenantId: string, allowedTenants?: IdentityOptions['allowedTenants']): EntraSettings {
  const options = { tenantId, clientId, ...(allowedTenants !== undefined && { allowedTenants }) };
  return parseSettings(options).entra ?? expect.fail('Entra ID is not configured');
}

const tokenOf = (kind: VerifiedToken['kind'], tid?: string): VerifiedToken => ({
  kind,
  claims: { tid } as AccessTokenClaims,
  callerKind: 'user',
  policy: undefined,
  authority: { realm: 'realm', authorizationUri: 'https://login.example/authorize' },
});

describe('isListedTenant', () => {
  it.each<[string, EntraSettings, string, boolean]>([
    ['a tenant of the list', settingsOf('organizations', [other, tenant]), tenant, true],
    ['a tenant that is not in the list', settingsOf('organizations', [other]), tenant, false],
    ['any tenant', settingsOf('organizations', '*'), tenant, true],
    ['any tenant, and a function that is asked later', settingsOf('common', () => false), tenant, true],
    ['the one tenant', settingsOf(tenant), tenant, true],
    ['personal accounts, for organizations', settingsOf('organizations', '*'), consumerTenant, false],
    [
      'personal accounts in the list, for organizations',
      settingsOf('organizations', [consumerTenant]),
      consumerTenant,
      false,
    ],
    ['personal accounts, for common', settingsOf('common', '*'), consumerTenant, true],
    ['personal accounts in the list, for common', settingsOf('common', [consumerTenant]), consumerTenant, true],
    ['personal accounts that are not in the list, for common', settingsOf('common', [tenant]), consumerTenant, false],
    ['personal accounts, for consumers', settingsOf('consumers'), consumerTenant, true],
  ])('knows of %s', (_, settings, tid, isListed) => {
    expect(isListedTenant(tid, settings)).toBe(isListed);
  });
});

describe('askAboutTenant', () => {
  const asking = (answer: (tid: string) => unknown) => settingsOf('common', answer as (tid: string) => boolean);

  it.each<[string, VerifiedToken, EntraSettings | undefined]>([
    ['Entra ID is not configured', tokenOf('entra', tenant), undefined],
    ['there is a list', tokenOf('entra', tenant), settingsOf('common', [other])],
    ['every tenant may call', tokenOf('entra', tenant), settingsOf('common', '*')],
    ['a single tenant is configured', tokenOf('entra', tenant), settingsOf(tenant)],
    ['the token comes from B2C', tokenOf('b2c', tenant), asking(() => expect.fail('the application was asked'))],
  ])('asks nothing where %s', (_, token, settings) => {
    expect(askAboutTenant(token, settings)).toBeUndefined();
  });

  it('asks by the tenant of the token, and makes no promise where the answer comes at once', () => {
    const answer = vi.fn(() => true);
    expect(askAboutTenant(tokenOf('entra', tenant), asking(answer))).toBeUndefined();
    expect(answer).toHaveBeenCalledExactlyOnceWith(tenant);
  });

  it('asks by an empty text where the token names no tenant', () => {
    const answer = vi.fn(() => true);
    expect(askAboutTenant(tokenOf('entra'), asking(answer))).toBeUndefined();
    expect(answer).toHaveBeenCalledExactlyOnceWith('');
  });

  it('awaits a promise, and any thenable', async () => {
    await expect(
      askAboutTenant(
        tokenOf('entra', tenant),
        asking(() => Promise.resolve(true)),
      ),
    ).resolves.toBeUndefined();
    const thenable = {
      then: (fulfil: (answer: boolean) => void) => {
        fulfil(true);
      },
    };
    await expect(
      askAboutTenant(
        tokenOf('entra', tenant),
        asking(() => thenable),
      ),
    ).resolves.toBeUndefined();
  });

  it.each([[false], [undefined], [null], [1], ['true'], [{}], [[true]]])(
    'refuses the tenant where the answer is %j, now or later',
    async (answer) => {
      await refuses(
        () =>
          askAboutTenant(
            tokenOf('entra', tenant),
            asking(() => answer),
          ),
        'tenant',
      );
      await refuses(
        () =>
          askAboutTenant(
            tokenOf('entra', tenant),
            asking(() => Promise.resolve(answer)),
          ),
        'tenant',
      );
    },
  );

  it('refuses the tenant by a promise whose own then returns nothing', async () => {
    const denied = Object.assign(Promise.resolve(false), { then: () => undefined });
    await refuses(
      () =>
        askAboutTenant(
          tokenOf('entra', tenant),
          asking(() => denied),
        ),
      'tenant',
    );
  });

  it('is an error of the developer where the function throws or rejects, which it keeps as its cause', async () => {
    const cause = new Error('down');
    const throws = () => {
      throw cause;
    };
    for (const answer of [throws, () => Promise.reject(cause)]) {
      const error = await errorOf(() => askAboutTenant(tokenOf('entra', tenant), asking(answer)));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(error).toMatchObject({ message: 'initialize: allowedTenants: threw an error.', cause });
    }
  });
});
