import { describeAccounts, type NearMiss, type Row } from './api.js';
import {
  b2cBase,
  b2cClaims,
  b2cHost,
  b2cIssuer,
  b2cOptions,
  bothHosts,
  byIssuer,
  byKey,
  byPolicy,
  byTenant,
  customDomain,
  customHost,
  held,
  key,
  ofPolicy,
  otherKey,
  otherTenant,
  tenant,
  v2Documents,
} from './microsoft.js';

const separateKeys = { ...ofPolicy('B2C_1_signin'), ...ofPolicy('B2C_1_edit', b2cHost, otherKey) };

const tfpIssuer = (policy: string) => `${b2cHost}/tfp/${tenant}/${policy}/v2.0/`;

const rows: readonly Row[] = [
  {
    account: 'B2C, a user flow',
    options: b2cOptions('B2C_1_signin'),
    documents: ofPolicy('B2C_1_signin'),
    claims: b2cClaims(b2cIssuer(), { tfp: 'B2C_1_signin' }),
    nearMisses: [
      ['whose issuer lacks its slash', { claims: { iss: b2cIssuer().slice(0, -1) } }, byIssuer],
      ['of another tenant', { claims: { iss: `${b2cHost}/${otherTenant}/v2.0/` } }, byIssuer],
      ['that says it is of another tenant', { claims: { tid: otherTenant } }, byTenant],
      ['of a policy that is not configured', { claims: { tfp: 'B2C_1_reset' } }, byPolicy],
      ['that names no policy', { claims: { tfp: undefined } }, byPolicy],
      [
        'while the metadata names another tenant',
        { documents: ofPolicy('B2C_1_signin', b2cHost, key, `${b2cHost}/${otherTenant}/v2.0/`) },
        'issuer_unavailable',
      ],
      ...[
        'https://keys.example/keys',
        'https://other.b2clogin.com/keys',
        `${b2cHost}.example/keys`,
        `${b2cHost.replace('https', 'http')}/keys`,
      ].map((jwksUri): NearMiss => [
        `while the metadata finds its keys at ${jwksUri}`,
        { documents: v2Documents(b2cBase('B2C_1_signin'), { issuer: b2cIssuer(), keys: [held(key)], jwksUri }) },
        'issuer_unavailable',
      ]),
    ],
  },
  {
    account: 'B2C, a user flow that says its tenant, and its policy in other letters',
    options: b2cOptions('B2C_1_SignIn'),
    documents: ofPolicy('B2C_1_SignIn'),
    claims: b2cClaims(b2cIssuer(), { tfp: 'b2c_1_signin', tid: tenant }),
  },
  {
    account: 'B2C, a custom policy in acr',
    options: b2cOptions('B2C_1A_signup_signin'),
    documents: ofPolicy('B2C_1A_signup_signin'),
    claims: b2cClaims(b2cIssuer(), { acr: 'b2c_1a_signup_signin' }),
    nearMisses: [
      ['of a policy that is not configured', { claims: { acr: 'b2c_1a_reset' } }, byPolicy],
      ['whose tfp says otherwise', { claims: { tfp: 'B2C_1A_reset' } }, byPolicy],
    ],
  },
  {
    account: 'B2C, a custom policy in the issuer alone',
    options: b2cOptions('B2C_1A_signup_signin'),
    documents: ofPolicy('B2C_1A_signup_signin', b2cHost, key, tfpIssuer('b2c_1a_signup_signin')),
    claims: b2cClaims(tfpIssuer('b2c_1a_signup_signin'), {}),
    nearMisses: [
      ['whose issuer names another policy', { claims: { iss: tfpIssuer('b2c_1a_reset') } }, byPolicy],
      ['whose issuer names no policy', { claims: { iss: b2cIssuer() } }, byPolicy],
      ['whose issuer is in other letters', { claims: { iss: tfpIssuer('B2C_1A_signup_signin') } }, byIssuer],
      [
        'whose issuer names another policy than tfp',
        { claims: { iss: tfpIssuer('b2c_1a_reset'), tfp: 'B2C_1A_signup_signin' } },
        byIssuer,
      ],
      ['whose issuer lacks its slash', { claims: { iss: tfpIssuer('b2c_1a_signup_signin').slice(0, -1) } }, byIssuer],
    ],
  },
  ...(
    [
      ['first', 'B2C_1_signin', key, otherKey],
      ['second', 'B2C_1_edit', otherKey, key],
    ] as const
  ).map(([which, policy, own, other]): Row => ({
    account: `B2C, the ${which} of two policies with keys of their own`,
    options: b2cOptions(['B2C_1_signin', 'B2C_1_edit']),
    documents: separateKeys,
    claims: b2cClaims(b2cIssuer(), { tfp: policy }),
    by: own,
    nearMisses: [["by the other policy's key", { by: other }, byKey]],
  })),
  {
    account: 'B2C, a custom domain alone',
    options: b2cOptions('B2C_1_signin', { customDomain }),
    documents: { ...ofPolicy('B2C_1_signin', customHost), ...ofPolicy('B2C_1_signin') },
    claims: b2cClaims(b2cIssuer(customHost), { tfp: 'B2C_1_signin' }),
    nearMisses: [['of b2clogin.com', { claims: { iss: b2cIssuer() } }, byIssuer]],
  },
  {
    account: 'B2C, b2clogin.com alone',
    options: b2cOptions('B2C_1_signin'),
    documents: { ...ofPolicy('B2C_1_signin', customHost), ...ofPolicy('B2C_1_signin') },
    claims: b2cClaims(b2cIssuer(), { tfp: 'B2C_1_signin' }),
    nearMisses: [['of a custom domain', { claims: { iss: b2cIssuer(customHost) } }, byIssuer]],
  },
  ...(
    [
      ['b2clogin.com', b2cHost, key, otherKey],
      ['the custom domain', customHost, otherKey, key],
    ] as const
  ).map(([which, host, own, other]): Row => ({
    account: `B2C, a custom domain and b2clogin.com at once, a token of ${which}`,
    options: b2cOptions('B2C_1_signin', { customDomain, instance: b2cHost }),
    documents: bothHosts,
    claims: b2cClaims(b2cIssuer(host), { tfp: 'B2C_1_signin' }),
    by: own,
    nearMisses: [["by the other host's key", { by: other }, byKey]],
  })),
];

describeAccounts(rows);
