import { describe, expect, it } from 'vitest';
import { InvalidTokenError } from '../../src/core/errors.js';
import { createIdentity } from '../../src/core/identity.js';
import { explain } from '../../src/gate/explanation.js';

const tenantId = '11111111-2222-4333-8444-555555555555';
const clientId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const other = '99999999-2222-4333-8444-555555555555';

describe('an issuer of one of the clouds', () => {
  const told = (instance: string, iss: string) => {
    const { settings } = createIdentity({ tenantId, clientId, instance });
    return explain(new InvalidTokenError('issuer'), { header: undefined, payload: { iss } }, settings, {
      scheme: 'entra',
    }).code;
  };

  it.each([
    ['https://login.microsoftonline.us', `https://login.microsoftonline.com/${other}/v2.0`],
    ['https://login.microsoftonline.us', `https://sts.chinacloudapi.cn/${other}/`],
    ['https://login.partner.microsoftonline.cn', `https://sts.windows.net/${other}/`],
    ['https://login.microsoftonline.com', `https://login.chinacloudapi.cn/${other}/v2.0`],
  ])('at %s, %s is of another cloud', (instance, iss) => {
    expect(told(instance, iss)).toBe('wrong_cloud');
  });

  it.each([
    ['https://login.microsoftonline.us', `https://login.microsoftonline.us/${other}/v2.0`],
    ['https://login.microsoftonline.us', `https://sts.windows.net/${other}/`],
    ['https://login.partner.microsoftonline.cn', `https://sts.chinacloudapi.cn/${other}/`],
    ['https://login.contoso.us', `https://login.microsoftonline.com/${other}/v2.0`],
  ])('at %s, %s is of another tenant in the same cloud', (instance, iss) => {
    expect(told(instance, iss)).toBe('wrong_tenant');
  });

  it.each(['com', 'us', 'cn'])('is of B2C on b2clogin.%s', (domain) => {
    expect(told('https://login.microsoftonline.us', `https://contoso.b2clogin.${domain}/${other}/v2.0/`)).toBe(
      'b2c_token',
    );
  });
});
