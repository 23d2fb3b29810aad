import { describe, expect, it } from 'vitest';
import { consumerTenant } from '../../../src/core/issuers/issuer.js';
import { refuses } from '../../support/refusals.js';
import {
  authenticate,
  claimsOf,
  configured,
  entra,
  issuer,
  otherTenant,
  pretending,
  tenantId,
  useIssuer,
} from './verification.js';

useIssuer();

describe('a key that names its issuer', () => {
  const host = 'login.microsoftonline.com';
  const v2 = () => `https://${host}/${tenantId}/v2.0`;
  const v1 = () => `https://sts.windows.net/${tenantId}/`;
  const withKey = (key: object, configuration: object = {}) =>
    configured(
      pretending(host, {
        key,
        configuration: { issuer: v2(), ...configuration },
        v1: { issuer: v1(), ...configuration },
      }),
    );
  const token = () => issuer.token({ iss: v2() });
  const v1Token = () => issuer.v1Token({ iss: v1() });

  it.each<[string, () => string | undefined]>([
    ['nothing', () => undefined],
    ["the token's issuer", v2],
    ["the token's issuer as a template", () => `https://${host}/{tenantid}/v2.0`],
    ['the issuer of the v1.0 metadata', v1],
    ['the issuer of the v1.0 metadata as a template', () => 'https://sts.windows.net/{tenantid}/'],
  ])('is accepted for a tenant if it names %s', async (_, named) => {
    const by = withKey({ issuer: named() });
    expect(await claimsOf(token(), entra, by)).toMatchObject({ tid: tenantId });
    expect(await claimsOf(v1Token(), entra, by)).toMatchObject({ tid: tenantId });
  });

  it.each<[string, () => string]>([
    ['personal accounts', () => `https://${host}/${consumerTenant}/v2.0`],
    ['another tenant', () => `https://${host}/${otherTenant}/v2.0`],
    ['another host', () => `https://login.example/${tenantId}/v2.0`],
    ['a slash more', () => `${v2()}/`],
    ['no URL', () => 'somebody'],
  ])('is refused for a tenant if it names %s', async (_, named) => {
    const by = withKey({ issuer: named() });
    const [v2Token, v1Text] = [await token(), await v1Token()];
    await refuses(() => authenticate(v2Token, entra, by), 'key');
    await refuses(() => authenticate(v1Text, entra, by), 'key');
  });

  it.each<[string, string, boolean]>([
    ['the template of login.microsoftonline.com', 'https://login.microsoftonline.com/{tenantid}/v2.0', true],
    ['the tenant at login.microsoftonline.com', 'https://login.microsoftonline.com/<tid>/v2.0', true],
    ['the template of External ID', 'https://{tenantid}.ciamlogin.com/{tenantid}/v2.0', true],
    ['another tenant', `https://login.microsoftonline.com/${otherTenant}/v2.0`, false],
    ['personal accounts', `https://login.microsoftonline.com/${consumerTenant}/v2.0`, false],
    ['no tenant', 'https://login.microsoftonline.com/v2.0', false],
  ])('is compared by its tenant in External ID: %s', async (_, named, isAccepted) => {
    const iss = `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`;
    const key = { issuer: named.replace('<tid>', tenantId) };
    const by = configured(pretending('contoso.ciamlogin.com', { configuration: { issuer: iss }, key }));
    const text = await issuer.token({ iss });
    if (isAccepted) expect((await authenticate(text, entra, by)).claims.iss).toBe(iss);
    else await refuses(() => authenticate(text, entra, by), 'key');
  });

  it('must be of the cloud that the metadata names, if both name one', async () => {
    const cloud = (name?: string) => ({ cloud_instance_name: name });
    const rows: readonly [string | undefined, string | undefined, boolean][] = [
      ['microsoftonline.com', 'microsoftonline.com', true],
      ['microsoftonline.com', undefined, true],
      [undefined, 'microsoftonline.com', true],
      ['microsoftonline.us', 'microsoftonline.com', false],
    ];
    for (const [ofKey, ofMetadata, isAccepted] of rows) {
      const by = withKey({ issuer: v2(), ...cloud(ofKey) }, cloud(ofMetadata));
      for (const text of [await token(), await v1Token()]) {
        if (isAccepted) await authenticate(text, entra, by);
        else await refuses(() => authenticate(text, entra, by), 'key');
      }
    }
  });
});
