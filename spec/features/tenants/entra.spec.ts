import { describeAccounts, type NearMiss, type Row } from './api.js';
import {
  byIssuer,
  byKey,
  byTenant,
  china,
  chinaMetadata,
  clientId,
  consumers,
  global,
  globalKeysUrl,
  globalV1,
  globalV2,
  government,
  held,
  key,
  many,
  organizations,
  otherKey,
  otherTenant,
  single,
  template,
  tenant,
  v1Claims,
  v1Documents,
  v2Claims,
  v2Documents,
} from './microsoft.js';

/** Spoilt like this, no token passes where the issuer is a template. */
const spoiltTenants = (issuerOf: (tid: string) => string): readonly NearMiss[] => [
  ["whose tid is not its issuer's", { claims: { tid: otherTenant } }, byTenant],
  ['without a tid', { claims: { tid: undefined } }, byTenant],
  ['whose tid is a name', { claims: { tid: 'fabrikam.example' } }, byTenant],
  ['whose tid is in upper case', { claims: { tid: tenant.toUpperCase() } }, byTenant],
  ['whose tid is a list', { claims: { tid: [tenant] } }, byTenant],
  ['with a second tid in other letters', { claims: { Tid: otherTenant } }, byTenant],
  ['whose issuer names no GUID', { claims: { iss: issuerOf('fabrikam.example'), tid: 'fabrikam.example' } }, byIssuer],
  ['whose issuer is the template itself', { claims: { iss: issuerOf('{tenantid}'), tid: '{tenantid}' } }, byIssuer],
];

const rows: readonly Row[] = [
  {
    account: 'Global, a single tenant, v2.0',
    options: single,
    documents: { ...globalV2, ...globalV1 },
    claims: v2Claims(`${global}/${tenant}/v2.0`),
    nearMisses: [
      ['of another tenant', { claims: { iss: `${global}/${otherTenant}/v2.0`, tid: otherTenant } }, byIssuer],
      ['that says it is of another tenant', { claims: { tid: otherTenant } }, byTenant],
      ['whose tid is in upper case', { claims: { tid: tenant.toUpperCase() } }, byTenant],
      ['whose issuer is in upper case', { claims: { iss: `${global}/${tenant.toUpperCase()}/v2.0` } }, byIssuer],
      ['whose issuer ends in a slash', { claims: { iss: `${global}/${tenant}/v2.0/` } }, byIssuer],
      ['of another cloud', { claims: { iss: `${government}/${tenant}/v2.0` } }, byIssuer],
      [
        'of a key that speaks for another tenant',
        { documents: { [globalKeysUrl]: { keys: [held(key, { issuer: `${global}/${otherTenant}/v2.0` })] } } },
        byKey,
      ],
      [
        'of a key that speaks for personal accounts',
        { documents: { [globalKeysUrl]: { keys: [held(key, { issuer: `${global}/${consumers}/v2.0` })] } } },
        byKey,
      ],
      [
        'of a key that speaks for another cloud',
        {
          documents: {
            [globalKeysUrl]: { keys: [held(key, { issuer: template, cloud_instance_name: 'microsoftonline.us' })] },
          },
        },
        byKey,
      ],
      [
        'while the metadata names another tenant',
        {
          documents: v2Documents(`${global}/${tenant}`, { issuer: `${global}/${otherTenant}/v2.0`, keys: [held(key)] }),
        },
        'issuer_unavailable',
      ],
      [
        'while the metadata is a template',
        { documents: v2Documents(`${global}/${tenant}`, { issuer: template, keys: [held(key)] }) },
        'issuer_unavailable',
      ],
    ],
  },
  {
    account: 'Global, a single tenant, v2.0 without a tid, the issuer naming the tenant',
    options: single,
    documents: globalV2,
    claims: v2Claims(`${global}/${tenant}/v2.0`, undefined),
  },
  {
    account: 'Global, a single tenant whose keys name it and its cloud',
    options: single,
    documents: {
      ...globalV2,
      [globalKeysUrl]: {
        keys: [held(key, { issuer: `${global}/${tenant}/v2.0`, cloud_instance_name: 'microsoftonline.com' })],
      },
    },
    claims: v2Claims(`${global}/${tenant}/v2.0`),
  },
  {
    account: 'Global, a single tenant configured by its domain',
    options: { tenantId: 'fabrikam.example', clientId },
    documents: v2Documents(`${global}/fabrikam.example`, {
      issuer: `${global}/${tenant}/v2.0`,
      keys: [held(key, { issuer: template })],
    }),
    claims: v2Claims(`${global}/${tenant}/v2.0`),
    nearMisses: [
      ['of another tenant', { claims: { iss: `${global}/${otherTenant}/v2.0`, tid: otherTenant } }, byIssuer],
    ],
  },
  {
    account: 'Global, a single tenant, v1.0',
    options: single,
    documents: { ...globalV1, ...globalV2 },
    claims: v1Claims(`https://sts.windows.net/${tenant}/`),
    nearMisses: [
      ['of another tenant', { claims: { iss: `https://sts.windows.net/${otherTenant}/`, tid: otherTenant } }, byIssuer],
      ['that says it is of another tenant', { claims: { tid: otherTenant } }, byTenant],
      ['whose issuer lacks its slash', { claims: { iss: `https://sts.windows.net/${tenant}` } }, byIssuer],
      [
        'whose issuer is in upper case',
        { claims: { iss: `https://sts.windows.net/${tenant.toUpperCase()}/` } },
        byIssuer,
      ],
      ['of another cloud', { claims: { iss: `https://sts.chinacloudapi.cn/${tenant}/` } }, byIssuer],
    ],
  },
  {
    account: 'Global, a single tenant, v1.0 by a key that names the v2.0 issuer',
    options: single,
    documents: {
      ...globalV2,
      ...globalV1,
      [`${global}/common/discovery/keys`]: { keys: [held(key, { issuer: template })] },
    },
    claims: v1Claims(`https://sts.windows.net/${tenant}/`),
  },
  {
    account: 'Global, organizations',
    options: many('organizations'),
    documents: organizations,
    claims: v2Claims(`${global}/${tenant}/v2.0`),
    nearMisses: [
      ...spoiltTenants((tid) => `${global}/${tid}/v2.0`),
      ['of a personal account', { claims: { iss: `${global}/${consumers}/v2.0`, tid: consumers } }, byTenant],
    ],
  },
  {
    account: 'Global, organizations, v1.0',
    options: many('organizations'),
    documents: organizations,
    claims: v1Claims(`https://sts.windows.net/${tenant}/`),
    nearMisses: [
      ["whose tid is not its issuer's", { claims: { tid: otherTenant } }, byTenant],
      ['without a tid', { claims: { tid: undefined } }, byTenant],
      ['of a personal account', { claims: { iss: `https://sts.windows.net/${consumers}/`, tid: consumers } }, byTenant],
    ],
  },
  {
    account: 'Global, organizations with a list of tenants',
    options: { tenantId: 'organizations', clientId, allowedTenants: [tenant.toUpperCase()] },
    documents: organizations,
    claims: v2Claims(`${global}/${tenant}/v2.0`),
    nearMisses: [
      [
        'of a tenant that is not listed',
        { claims: { iss: `${global}/${otherTenant}/v2.0`, tid: otherTenant } },
        byTenant,
      ],
    ],
  },
  ...[
    { account: 'a work account', tid: tenant, by: key },
    { account: 'a personal account', tid: consumers, by: otherKey },
  ].map(({ account, tid, by }): Row => {
    const keys = [held(key, { issuer: template }), held(otherKey, { issuer: `${global}/${consumers}/v2.0` })];
    return {
      account: `Global, common, ${account}`,
      options: many('common'),
      documents: {
        ...v2Documents(`${global}/common`, { issuer: template, keys }),
        ...v1Documents(`${global}/common`, { issuer: 'https://sts.windows.net/{tenantid}/', keys: [held(key)] }),
      },
      claims: v2Claims(`${global}/${tid}/v2.0`, tid),
      by,
      nearMisses: [
        ...(tid === tenant ? spoiltTenants((name) => `${global}/${name}/v2.0`) : []),
        [
          'of a work tenant by a key of personal accounts',
          { claims: { iss: `${global}/${otherTenant}/v2.0`, tid: otherTenant }, by: otherKey },
          byKey,
        ],
      ],
    };
  }),
  {
    account: 'Global, consumers',
    options: { tenantId: 'consumers', clientId },
    documents: v2Documents(`${global}/consumers`, {
      issuer: `${global}/${consumers}/v2.0`,
      keys: [held(key, { issuer: `${global}/${consumers}/v2.0` })],
    }),
    claims: v2Claims(`${global}/${consumers}/v2.0`, consumers),
    nearMisses: [
      ['of a work tenant', { claims: { iss: `${global}/${tenant}/v2.0`, tid: tenant } }, byIssuer],
      ['that says it is of a work tenant', { claims: { tid: tenant } }, byTenant],
      [
        'while the metadata names a work tenant',
        { documents: v2Documents(`${global}/consumers`, { issuer: `${global}/${tenant}/v2.0`, keys: [held(key)] }) },
        'issuer_unavailable',
      ],
    ],
  },
  {
    account: 'US Government, v2.0',
    options: { ...single, instance: government },
    documents: v2Documents(`${government}/${tenant}`, {
      issuer: `${government}/${tenant}/v2.0`,
      keys: [held(key, { issuer: `${government}/{tenantid}/v2.0`, cloud_instance_name: 'microsoftonline.us' })],
      cloud: 'microsoftonline.us',
    }),
    claims: v2Claims(`${government}/${tenant}/v2.0`),
    nearMisses: [
      ['of the Global cloud', { claims: { iss: `${global}/${tenant}/v2.0` } }, byIssuer],
      [
        'of a key of the Global cloud',
        {
          documents: {
            [`${government}/${tenant}/discovery/v2.0/keys`]: {
              keys: [
                held(key, { issuer: `${government}/{tenantid}/v2.0`, cloud_instance_name: 'microsoftonline.com' }),
              ],
            },
          },
        },
        byKey,
      ],
    ],
  },
  ...[`https://sts.windows.net/${tenant}/`, `${government}/${tenant}/`].map((issuer): Row => ({
    account: `US Government, v1.0, issuer on ${new URL(issuer).host}`,
    options: { ...single, instance: government },
    documents: v1Documents(`${government}/${tenant}`, {
      issuer,
      keys: [held(key, { cloud_instance_name: 'microsoftonline.us' })],
      cloud: 'microsoftonline.us',
    }),
    claims: v1Claims(issuer),
    nearMisses: [
      [
        // The Global cloud has the same v1.0 issuer: the key is what tells the two apart.
        'of a key of the Global cloud',
        {
          documents: {
            [`${government}/${tenant}/discovery/keys`]: {
              keys: [held(key, { cloud_instance_name: 'microsoftonline.com' })],
            },
          },
        },
        byKey,
      ],
    ],
  })),
  {
    account: 'US Government, organizations',
    options: { ...many('organizations'), instance: government },
    documents: v2Documents(`${government}/organizations`, {
      issuer: `${government}/{tenantid}/v2.0`,
      keys: [held(key)],
      cloud: 'microsoftonline.us',
    }),
    claims: v2Claims(`${government}/${tenant}/v2.0`),
    nearMisses: spoiltTenants((tid) => `${government}/${tid}/v2.0`),
  },
  ...[china, chinaMetadata].flatMap((instance): Row[] => [
    {
      account: `China, metadata on ${new URL(instance).host}, v2.0`,
      options: { ...single, instance },
      documents: v2Documents(`${instance}/${tenant}`, {
        issuer: `${china}/${tenant}/v2.0`,
        keys: [held(key, { issuer: `${china}/{tenantid}/v2.0` })],
        jwksUri: `${chinaMetadata}/${tenant}/discovery/v2.0/keys`,
        cloud: 'partner.microsoftonline.cn',
      }),
      claims: v2Claims(`${china}/${tenant}/v2.0`),
      nearMisses: [
        ['whose issuer is the metadata host', { claims: { iss: `${chinaMetadata}/${tenant}/v2.0` } }, byIssuer],
        ['of the Global cloud', { claims: { iss: `${global}/${tenant}/v2.0` } }, byIssuer],
      ],
    },
    {
      account: `China, metadata on ${new URL(instance).host}, v1.0`,
      options: { ...single, instance },
      documents: v1Documents(`${instance}/${tenant}`, {
        issuer: `https://sts.chinacloudapi.cn/${tenant}/`,
        keys: [held(key)],
        jwksUri: `${chinaMetadata}/common/discovery/keys`,
      }),
      claims: v1Claims(`https://sts.chinacloudapi.cn/${tenant}/`),
      nearMisses: [['of the Global cloud', { claims: { iss: `https://sts.windows.net/${tenant}/` } }, byIssuer]],
    },
    {
      account: `China, metadata on ${new URL(instance).host}, organizations`,
      options: { ...many('organizations'), instance },
      documents: v2Documents(`${instance}/organizations`, {
        issuer: `${china}/{tenantid}/v2.0`,
        keys: [held(key)],
        jwksUri: `${chinaMetadata}/organizations/discovery/v2.0/keys`,
      }),
      claims: v2Claims(`${china}/${tenant}/v2.0`),
      nearMisses: spoiltTenants((tid) => `${china}/${tid}/v2.0`),
    },
  ]),
];

describeAccounts(rows);
