import { describe, expect, it } from 'vitest';
import type { TestIssuer, TokenOverrides } from '../../../src/testing/test-issuer.js';
import { refuses, type RefusalName } from '../../support/refusals.js';
import { authenticate, b2c, claimsOf, entra, issuer, otherTenant, refusesSpoilt, useIssuer } from './verification.js';

useIssuer();

describe('a B2C token', () => {
  const make: TestIssuer['b2cToken'] = (...parts) => issuer.b2cToken(...parts);

  it.each<[string, TokenOverrides, string]>([
    ['with its policy in tfp', {}, 'B2C_1_susi'],
    ['with its policy in other letters', { tfp: 'b2c_1_SUSI' }, 'B2C_1_susi'],
    ['with its policy in acr', { tfp: undefined, acr: 'b2c_1a_signin' }, 'B2C_1A_signin'],
    ['with a nonce beside its scope', { nonce: 'nonce' }, 'B2C_1_susi'],
    ['with emails', { emails: ['a@example.com'] }, 'B2C_1_susi'],
  ])('is accepted %s', async (_, claims, policy) => {
    expect(await authenticate(await make(claims), b2c)).toMatchObject({ kind: 'b2c', policy });
  });

  it('is accepted with the tenant its issuer names', async () => {
    const tid = issuer.b2cOptions.tenantId;
    expect(await claimsOf(make({ tid }), b2c)).toMatchObject({ tid });
  });

  it('is accepted with its policy in the issuer alone', async () => {
    const tfpIssuer = `${issuer.url}/tfp/${issuer.b2cOptions.tenantId}/b2c_1a_signin/v2.0/`;
    issuer.setFault({ on: 'metadata', body: (document) => ({ ...document, issuer: tfpIssuer }) });
    const text = await make({ tfp: undefined, iss: tfpIssuer });
    expect(await authenticate(text, b2c)).toMatchObject({ policy: 'B2C_1A_signin' });
    const spoilt = await make({ tfp: undefined, iss: tfpIssuer.replace('b2c_1a_signin', 'b2c_1_edit') });
    await refuses(() => authenticate(spoilt, b2c), 'policy');
  });

  it.each<[RefusalName, string, TokenOverrides, TokenOverrides?]>([
    ['policy', 'a policy that is not configured', { tfp: 'B2C_1_edit' }],
    ['policy', 'a policy that is not configured in acr', { tfp: undefined, acr: 'b2c_1_edit' }],
    ['policy', 'a policy that is not configured, beside one that is', { tfp: 'B2C_1_edit', acr: 'b2c_1_susi' }],
    ['policy', 'no policy', { tfp: undefined }],
    ['policy', 'an empty policy', { tfp: '' }],
    ['policy', 'a list of policies', { tfp: ['B2C_1_susi'] }],
    ['tenant', 'another tenant', { tid: otherTenant }],
    ['tenant', 'a tid of null', { tid: null }],
    ['tenant', 'a tid in other letters', { TID: otherTenant }],
    ['audience', 'another audience', { aud: otherTenant }],
    ['expired', 'an end in the past', { exp: 1 }],
    ['malformed', 'no exp', { exp: undefined }],
    ['token_type', 'no scope, as ID tokens have', { scp: undefined }],
    ['token_type', 'no client, as ID tokens have', { azp: undefined }],
    ['token_type', 'at_hash, as ID tokens have', { at_hash: 'hash' }],
    ['token_type', 'a list of scopes', { scp: ['access_as_user'] }],
    ['algorithm', 'another algorithm', {}, { alg: 'PS256' }],
    ['key', 'an unknown kid', {}, { kid: 'unknown' }],
  ])('is refused as %s for %s', async (name, _, claims, header) => {
    await refusesSpoilt(make, [claims, header], name, b2c);
  });

  it.each<[string, (iss: string) => string]>([
    ['no slash at its end', (iss) => iss.slice(0, -1)],
    ['another tenant', (iss) => iss.replace(issuer.b2cOptions.tenantId, otherTenant)],
    ['another host', (iss) => iss.replace('127.0.0.1', '127.0.0.2')],
  ])('is refused for an issuer with %s', async (_, spoil) => {
    const { iss } = await claimsOf(make(), b2c);
    await refusesSpoilt(make, [{ iss: spoil(iss) }], 'issuer', b2c);
  });

  it('is refused as an Entra token, and an Entra token as a B2C token', async () => {
    const [b2cText, entraText] = [await make(), await issuer.token()];
    const posing = await issuer.token({ tfp: 'B2C_1_susi', aud: issuer.b2cOptions.clientId });
    await refuses(() => authenticate(b2cText, entra), 'issuer');
    await refuses(() => authenticate(entraText, b2c), 'policy');
    await refuses(() => authenticate(posing, b2c), 'issuer');
  });
});
