import { describe, expect, it } from 'vitest';
import { requires, type Requirement } from '../../../src/core/access/requirement.js';
import { onlyScheme, schemeFor } from '../../../src/core/access/scheme.js';
import { parseSettings } from '../../../src/core/configuration/parse-settings.js';
import type { Settings } from '../../../src/core/configuration/settings.js';
import { ConfigurationError } from '../../../src/core/errors.js';

const entra = { tenantId: '11111111-2222-4333-8444-555555555555', clientId: 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee' };
const b2c = { domainName: 'contoso', policies: ['B2C_1_susi', 'B2C_1_edit'], clientId: entra.clientId };
const [entraAlone, b2cAlone, both] = [
  parseSettings(entra),
  parseSettings({ b2c }),
  parseSettings({ ...entra, b2c: { ...b2c, tenantId: '99999999-2222-4333-8444-555555555555' } }),
];

describe('onlyScheme', () => {
  it('is the one that is configured, and none where there are two', () => {
    expect([entraAlone, b2cAlone, both].map(onlyScheme)).toEqual(['entra', 'b2c', undefined]);
  });
});

describe('schemeFor', () => {
  const none = requires.scope('a');

  it.each<[string, Requirement, Settings, string]>([
    ['the only one where a route names none, Entra ID', none, entraAlone, 'entra'],
    ['the only one where a route names none, B2C', none, b2cAlone, 'b2c'],
    ['Entra ID where a route names it', requires.entra(), both, 'entra'],
    ['B2C where a route names it', requires.b2c(), both, 'b2c'],
    ['B2C where a route names policies of it', requires.b2c({ policy: ['b2c_1_EDIT', 'B2C_1_susi'] }), both, 'b2c'],
    ['either where a route names it', requires.any(), both, 'any'],
  ])('is %s', (_, requirement, settings, scheme) => {
    expect(schemeFor(requirement, settings)).toBe(scheme);
  });

  it.each<[string, Requirement, Settings, string]>([
    [
      'no scheme where two are configured',
      none,
      both,
      'Orders.list names no scheme, and both Entra ID and B2C are configured. ' +
        'Add @RequiresAuth(), @RequiresB2cAuth() or @RequiresAnyAuth(), or the middleware of that name.',
    ],
    [
      'no scheme in an object that has the whole requirement, where two are configured',
      { ...none, isWhole: true },
      both,
      'Orders.list names no scheme, and both Entra ID and B2C are configured. ' +
        "Add scheme: 'entra', 'b2c' or 'any' to its requirement.",
    ],
    [
      'Entra ID where B2C alone is configured',
      requires.entra(),
      b2cAlone,
      'Orders.list takes tokens of Entra ID, which is not configured. Set tenantId and clientId, or use another scheme.',
    ],
    [
      'B2C where Entra ID alone is configured',
      requires.b2c(),
      entraAlone,
      'Orders.list takes tokens of B2C, which is not configured. Set b2c, or use another scheme.',
    ],
    [
      'either where Entra ID alone is configured',
      requires.any(),
      entraAlone,
      'Orders.list takes tokens of Entra ID and B2C, which are not both configured. Set tenantId, clientId and b2c, or use another scheme.',
    ],
    [
      'either where B2C alone is configured',
      requires.any(),
      b2cAlone,
      'Orders.list takes tokens of Entra ID and B2C, which are not both configured. Set tenantId, clientId and b2c, or use another scheme.',
    ],
    [
      'a policy that is not configured beside one that is',
      requires.b2c({ policy: ['B2C_1_susi', 'B2C_1_reset'] }),
      both,
      'Orders.list names a policy that is not among b2c.policies. Add it to that option, or correct its name.',
    ],
  ])('refuses %s, and names the route', (_, requirement, settings, message) => {
    expect(() => schemeFor({ ...requirement, at: 'Orders.list' }, settings)).toThrow(new ConfigurationError(message));
  });

  it('names a route where it is not known which', () => {
    expect(() => schemeFor(none, both)).toThrow(/^A route names no scheme/);
  });
});
