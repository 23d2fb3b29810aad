import { describe, expect, it } from 'vitest';
import type { Authority } from '../../../src/core/issuers/authority.js';
import { readConfiguration } from '../../../src/core/keys/openid-configuration.js';

const tenant = '11111111-2222-4333-8444-555555555555';
const metadataUrl = `https://login.example/${tenant}/v2.0/.well-known/openid-configuration`;
const issuer = `https://login.example/${tenant}/v2.0`;
const keysUrl = `https://login.example/${tenant}/discovery/v2.0/keys`;
const document = { issuer, jwks_uri: keysUrl };

const authority: Authority = {
  metadataUrl,
  ownsIssuer: (name) => name === issuer || name === 'https://login.example/v2.0',
  mayIssueAs: () => false,
  ownsKeysUrl: (url, named) => url === keysUrl && named.startsWith('https://login.example/'),
  options: 'tenantId and instance',
  hostOptions: 'instance',
};

describe('an OpenID configuration', () => {
  it.each<[string, object, object]>([
    ['the required members', document, { issuer, tenant, keysUrl, cloudInstanceName: undefined }],
    [
      'the name of its cloud',
      { ...document, cloud_instance_name: 'microsoftonline.com' },
      { issuer, tenant, keysUrl, cloudInstanceName: 'microsoftonline.com' },
    ],
    [
      'a blank name of its cloud',
      { ...document, cloud_instance_name: ' ' },
      { issuer, tenant, keysUrl, cloudInstanceName: undefined },
    ],
    [
      'an issuer without a tenant',
      { ...document, issuer: 'https://login.example/v2.0' },
      { issuer: 'https://login.example/v2.0', tenant: undefined, keysUrl, cloudInstanceName: undefined },
    ],
    [
      'other members, which are not read',
      { ...document, token_endpoint: 7, tenant: 'other' },
      { issuer, tenant, keysUrl, cloudInstanceName: undefined },
    ],
  ])('is read with %s', (_, given, read) => {
    const published = readConfiguration(given, authority);
    expect(published).toStrictEqual(read);
    expect(Object.isFrozen(published)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['a list', [document]],
    ['null', null],
    ['a text', JSON.stringify(document)],
    ['without an issuer', { jwks_uri: keysUrl }],
    ['without a key set', { issuer }],
    ['whose issuer is a number', { ...document, issuer: 1 }],
    ['whose key set is an object', { ...document, jwks_uri: { keys: [] } }],
  ])('is refused where it is malformed: %s', (_, given) => {
    expect(() => readConfiguration(given, authority)).toThrow(
      new Error(`${metadataUrl} is not an OpenID configuration.`),
    );
  });

  it('is refused with the issuer of another, before its key set is looked at', () => {
    for (const jwks_uri of [keysUrl, 'https://keys.example']) {
      expect(() => readConfiguration({ issuer: `${issuer}/`, jwks_uri }, authority)).toThrow(
        new Error(`${metadataUrl} names an issuer that does not belong to tenantId and instance.`),
      );
    }
  });

  it('is refused with a key set that is not its own', () => {
    expect(() => readConfiguration({ issuer, jwks_uri: 'https://keys.example' }, authority)).toThrow(
      new Error(`${metadataUrl} names a key set on a host that is not its own, or without https.`),
    );
  });
});
