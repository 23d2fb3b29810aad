/** Options that the specs beside this file start from. */
import { expect } from 'vitest';
import type { IdentityOptions } from '../../../src/core/configuration/options.js';
import { parseSettings } from '../../../src/core/configuration/parse-settings.js';
import { ConfigurationError } from '../../../src/core/errors.js';

export const tenantId = '11111111-2222-4333-8444-555555555555';
export const clientId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
export const otherId = '99999999-2222-4333-8444-555555555555';
export const entra = { tenantId, clientId };
export const b2c = { domainName: 'contoso', policies: 'B2C_1_susi', tenantId, clientId };

export const parse = (options: unknown) => parseSettings(options as IdentityOptions);

/** The message that options are refused with. */
export function refusalOf(options: unknown): string {
  try {
    parse(options);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ code: 'invalid_configuration', status: 500, expose: false });
    return (error as Error).message;
  }
  return expect.fail('the options were taken');
}

export const takesApplication = 'it takes an application (client) id, which is a GUID';
