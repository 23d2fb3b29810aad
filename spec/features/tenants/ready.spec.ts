import { describe, expect, it } from 'vitest';
import { initialize, IssuerUnavailableError, type IdentityOptions } from '../../../src/index.js';
import { errorOf } from '../../support/refusals.js';
import { now } from './api.js';
import {
  b2cBase,
  b2cHost,
  b2cOptions,
  bothHosts,
  clientId,
  customDomain,
  customHost,
  external,
  fabrikam,
  global,
  globalV2,
  held,
  key,
  many,
  ofPolicy,
  organizations,
  otherTenant,
  single,
  standIn,
  tenant,
  v2Documents,
  wellKnown,
  type Documents,
} from './microsoft.js';

describe('ready()', () => {
  const configurationUrl = `${global}/${tenant}/v2.0/${wellKnown}`;

  it.each<[string, IdentityOptions, Documents]>([
    ['a single tenant', single, globalV2],
    ['organizations', many('organizations'), organizations],
    [
      'an External ID tenant, which has no v1.0 document',
      { instance: fabrikam, clientId },
      external('fabrikam.onmicrosoft.com'),
    ],
    ['all policies on both hosts', b2cOptions('B2C_1_signin', { customDomain, instance: b2cHost }), bothHosts],
  ])('loads what the first request to %s would load', async (_, options, published) => {
    const asked: string[] = [];
    await initialize({ ...options, now, fetch: standIn(published, asked) }).ready();
    expect(asked.every((url) => url in published)).toBe(true);
    expect(asked.length).toBeGreaterThanOrEqual(2);
  });

  it.each<[string, IdentityOptions, Documents, string, string]>([
    ['is not there', single, {}, `GET ${configurationUrl} answered 404`, 'tenantId and instance'],
    [
      'names another tenant',
      single,
      v2Documents(`${global}/${tenant}`, { issuer: `${global}/${otherTenant}/v2.0`, keys: [held(key)] }),
      `${configurationUrl} names an issuer that does not belong to tenantId and instance.`,
      'tenantId and instance',
    ],
    [
      'finds its keys elsewhere',
      single,
      v2Documents(`${global}/${tenant}`, {
        issuer: `${global}/${tenant}/v2.0`,
        keys: [held(key)],
        jwksUri: 'https://keys.example/keys',
      }),
      `${configurationUrl} names a key set on a host that is not its own, or without https.`,
      'tenantId and instance',
    ],
    [
      'has no keys',
      single,
      v2Documents(`${global}/${tenant}`, { issuer: `${global}/${tenant}/v2.0`, keys: [] }),
      'The key set holds no usable key.',
      'tenantId and instance',
    ],
    [
      'of one of two policies is not there',
      b2cOptions(['B2C_1_signin', 'B2C_1_edit']),
      ofPolicy('B2C_1_signin'),
      `GET ${b2cBase('B2C_1_edit')}/v2.0/${wellKnown} answered 404`,
      'b2c.domainName, b2c.policies and b2c.tenantId',
    ],
    [
      'of one of two hosts is not there',
      b2cOptions('B2C_1_signin', { customDomain, instance: b2cHost }),
      ofPolicy('B2C_1_signin', customHost),
      `GET ${b2cBase('B2C_1_signin')}/v2.0/${wellKnown} answered 404`,
      'b2c.domainName, b2c.policies and b2c.tenantId',
    ],
  ])('names the cause and the options if the metadata %s', async (_, options, published, cause, where) => {
    const identity = initialize({ ...options, now, fetch: standIn(published) });
    const error = await errorOf(() => identity.ready());
    expect(error).toBeInstanceOf(IssuerUnavailableError);
    expect(error).toMatchObject({
      code: 'issuer_unavailable',
      status: 503,
      message: `The signing keys could not be loaded: ${cause.replace(/\.?$/, '.')} Look at ${where}.`,
      cause: { message: cause },
    });
  });
});
