/**
 * Every cloud and account type, in the shapes that Microsoft's documents and tokens really have: hosts are the public ones,
 * played by a function in the place of `fetch`.
 */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  Cloud,
  initialize,
  IssuerUnavailableError,
  RequiresAuth,
  RequiresB2cAuth,
  TokenClaims,
  type IdentityOptions,
} from '../../src/index.js';
import { expectRefusal, serve, type Api, type Refusal } from '../support/api.js';
import { hour, start } from '../support/clock.js';
import { errorOf } from '../support/refusals.js';

const tenant = 'a5c1e0d2-7b34-4f68-9c0d-1e2f3a4b5c6d';
const otherTenant = 'b6d2f1e3-8c45-4a79-8d1e-2f3a4b5c6d7e';
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';
const clientId = 'c7e3a2f4-9d56-4b8a-9e2f-3a4b5c6d7e8f';
const client = 'd8f4b3a5-ae67-4c9b-8f3a-4b5c6d7e8f90';
const person = 'e9a5c4b6-bf78-4dac-9a4b-5c6d7e8f9012';

const global = Cloud.Global;
const government = Cloud.UsGovernment;
const china = Cloud.China;
const chinaMetadata = 'https://login.chinacloudapi.cn';
const template = `${global}/{tenantid}/v2.0`;

@JsonController()
class TenantsController {
  @Get('/entra')
  @RequiresAuth()
  entra(@TokenClaims('iss') iss: string) {
    return { iss };
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c(@TokenClaims('iss') iss: string) {
    return { iss };
  }
}

interface Key {
  readonly kid: string;
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  /** As published: no `alg`, and what the key says of itself added. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

async function createKey(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig' } };
}

const [key, otherKey, stranger] = await Promise.all([
  createKey('key-1'),
  createKey('key-2'),
  createKey('key-of-nobody'),
]);

/** A key as a document holds it. */
const held = ({ jwk }: Key, members: Readonly<Record<string, unknown>> = {}) => ({ ...jwk, ...members });

type Documents = Readonly<Record<string, unknown>>;

const wellKnown = '.well-known/openid-configuration';

interface Published {
  readonly issuer: string;
  readonly keys: readonly object[];
  readonly jwksUri?: string;
  readonly cloud?: string;
}

function documents(metadataUrl: string, { issuer, keys, cloud, jwksUri }: Published & { jwksUri: string }): Documents {
  const configuration = { issuer, jwks_uri: jwksUri, ...(cloud !== undefined && { cloud_instance_name: cloud }) };
  return { [metadataUrl]: configuration, [jwksUri]: { keys } };
}

/** The v2.0 document of an authority, and its keys. */
const v2Documents = (base: string, published: Published) =>
  documents(`${base}/v2.0/${wellKnown}`, { jwksUri: `${base}/discovery/v2.0/keys`, ...published });

/** The v1.0 document of an authority, and its keys. */
const v1Documents = (base: string, published: Published) =>
  documents(`${base}/${wellKnown}`, { jwksUri: `${base}/discovery/keys`, ...published });

/** Plays all hosts: what is not published is not found. */
function standIn(published: Documents, asked: string[] = []): typeof fetch {
  return (input) => {
    const url = input as string;
    asked.push(url);
    const document = published[url];
    return Promise.resolve(document === undefined ? new Response('', { status: 404 }) : Response.json(document));
  };
}

type Claims = Readonly<Record<string, unknown>>;

const times = { iat: start / 1000, nbf: start / 1000, exp: (start + hour) / 1000 };

const v2Claims = (iss: string, tid: string | undefined = tenant): Claims => ({
  ...times,
  aud: clientId,
  iss,
  azp: client,
  azpacr: '1',
  oid: person,
  scp: 'access_as_user',
  sub: 'pairwise-subject',
  tid,
  ver: '2.0',
});

const v1Claims = (iss: string, tid: string = tenant): Claims => ({
  ...times,
  acr: '1',
  amr: ['pwd'],
  appid: client,
  appidacr: '0',
  aud: `api://${clientId}`,
  iss,
  oid: person,
  scp: 'access_as_user',
  sub: 'pairwise-subject',
  tid,
  ver: '1.0',
});

const b2cClaims = (iss: string, policy: Claims): Claims => ({
  ...times,
  aud: clientId,
  azp: client,
  iss,
  nonce: 'defaultNonce',
  scp: 'access_as_user',
  sub: person,
  ver: '1.0',
  ...policy,
});

function sign(claims: Claims, by: Key = key): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: by.kid }).sign(by.privateKey);
}

const refused = (invalidToken: string): Refusal => ({ invalidToken });
const byKey = refused('key');
const byIssuer = refused('issuer');
const byTenant = refused('tenant');
const byPolicy = refused('policy');
const bySignature = refused('signature');

/** What was spoilt, how, and the answer. */
type NearMiss = readonly [
  what: string,
  spoilt: { readonly claims?: Claims; readonly by?: Key; readonly documents?: Documents },
  refusal: Refusal,
];

interface Row {
  readonly account: string;
  readonly options: IdentityOptions;
  readonly documents: Documents;
  readonly claims: Claims;
  readonly by?: Key;
  readonly nearMisses?: readonly NearMiss[];
  /** The answer to an issuer on a host that nobody configured: where hosts have keys of their own, the key is found first. */
  readonly ofStrangeHost?: Refusal;
}

const pathOf = ({ options }: Pick<Row, 'options'>) => (options.b2c === undefined ? '/entra' : '/b2c');

/** Spoilt like this, a token of no account passes. */
function spoiltAnywhere({ claims, by = key, ofStrangeHost = byIssuer }: Row): readonly NearMiss[] {
  const { host } = new URL(claims['iss'] as string);
  const strangeIssuer = (claims['iss'] as string).replace(host, `${host}.example`);
  return [
    ['for another API', { claims: { aud: person } }, refused('audience')],
    ['from before', { claims: { exp: start / 1000 - 60 } }, refused('expired')],
    ['of a host that only looks like the right one', { claims: { iss: strangeIssuer } }, ofStrangeHost],
    ['of a key that nobody published', { by: stranger }, byKey],
    ['of a key that bears the name of a published one', { by: { ...stranger, kid: by.kid } }, bySignature],
    [
      'that is an ID token',
      { claims: { scp: undefined, azp: undefined, appid: undefined, nonce: 'n' } },
      refused('token_type'),
    ],
  ];
}

const single = { tenantId: tenant, clientId };
const many = (tenantId: 'organizations' | 'common'): IdentityOptions => ({ tenantId, clientId, allowedTenants: '*' });

const globalV2 = v2Documents(`${global}/${tenant}`, {
  issuer: `${global}/${tenant}/v2.0`,
  keys: [held(key, { issuer: template })],
  cloud: 'microsoftonline.com',
});
// A tenant's v1.0 document points at the keys of all tenants.
const globalV1 = v1Documents(`${global}/${tenant}`, {
  issuer: `https://sts.windows.net/${tenant}/`,
  keys: [held(key)],
  jwksUri: `${global}/common/discovery/keys`,
  cloud: 'microsoftonline.com',
});
const globalKeysUrl = `${global}/${tenant}/discovery/v2.0/keys`;

const organizations = {
  ...v2Documents(`${global}/organizations`, { issuer: template, keys: [held(key, { issuer: template })] }),
  ...v1Documents(`${global}/organizations`, { issuer: 'https://sts.windows.net/{tenantid}/', keys: [held(key)] }),
};

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

const externalIssuer = `https://${tenant}.ciamlogin.com/${tenant}/v2.0`;
const fabrikam = 'https://fabrikam.ciamlogin.com';
const external = (path: string, keyIssuer: string = template, host = fabrikam) =>
  v2Documents(`${host}/${path}`, { issuer: externalIssuer, keys: [held(key, { issuer: keyIssuer })] });

const b2cHost = 'https://fabrikam.b2clogin.com';
const customDomain = 'login.fabrikam.example';
const customHost = `https://${customDomain}`;
const b2cIssuer = (host = b2cHost) => `${host}/${tenant}/v2.0/`;
const b2cOptions = (policies: string | readonly string[], more: object = {}): IdentityOptions => ({
  b2c: { domainName: 'fabrikam', policies, tenantId: tenant, clientId, ...more },
});
const b2cBase = (policy: string, host = b2cHost) => `${host}/fabrikam.onmicrosoft.com/${policy}`;
const ofPolicy = (policy: string, host = b2cHost, by: Key = key, issuer = b2cIssuer(host)) =>
  v2Documents(b2cBase(policy, host), { issuer, keys: [held(by, { nbf: 1_493_763_266 })] });

const entraRows: readonly Row[] = [
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

const externalIdRows: readonly Row[] = [
  ...(
    [
      ['the host, and the tenant beside it', { tenantId: tenant, instance: fabrikam }, tenant],
      ['the host with the tenant as its path', { instance: `${fabrikam}/${tenant}` }, tenant],
      [
        "the host with the tenant's domain as its path",
        { instance: `${fabrikam}/fabrikam.onmicrosoft.com/` },
        'fabrikam.onmicrosoft.com',
      ],
      [
        "the tenant, and the host with the tenant's domain as its path",
        { tenantId: tenant, instance: `${fabrikam}/fabrikam.onmicrosoft.com` },
        'fabrikam.onmicrosoft.com',
      ],
      ['the host alone', { instance: fabrikam }, 'fabrikam.onmicrosoft.com'],
    ] as const
  ).map(([account, options, path]): Row => ({
    account: `External ID by ${account}`,
    options: { ...options, clientId },
    documents: external(path),
    claims: v2Claims(externalIssuer),
    nearMisses: [
      ["whose issuer is on the tenant's name", { claims: { iss: `${fabrikam}/${tenant}/v2.0` } }, byIssuer],
      ['whose issuer is that of a workforce tenant', { claims: { iss: `${global}/${tenant}/v2.0` } }, byIssuer],
      [
        'of another tenant',
        { claims: { iss: `https://${otherTenant}.ciamlogin.com/${otherTenant}/v2.0`, tid: otherTenant } },
        byIssuer,
      ],
      ['that says it is of another tenant', { claims: { tid: otherTenant } }, byTenant],
      [
        'of a key that speaks for another tenant',
        { documents: external(path, `${global}/${otherTenant}/v2.0`) },
        byKey,
      ],
      [
        'of a key that speaks for personal accounts',
        { documents: external(path, `${global}/${consumers}/v2.0`) },
        byKey,
      ],
    ],
  })),
  {
    account: 'External ID by the host that names the tenant',
    options: { clientId, instance: `https://${tenant}.ciamlogin.com` },
    documents: external(tenant, template, `https://${tenant}.ciamlogin.com`),
    claims: v2Claims(externalIssuer),
  },
  {
    account: 'External ID whose keys name the tenant, on the hosts of the workforce',
    options: { tenantId: tenant, clientId, instance: fabrikam },
    documents: external(tenant, `${global}/${tenant}/v2.0`),
    claims: v2Claims(externalIssuer),
  },
  {
    account: 'External ID on a custom URL domain, its keys on ciamlogin.com',
    options: { tenantId: tenant, clientId, instance: customHost },
    documents: v2Documents(`${customHost}/${tenant}`, {
      issuer: externalIssuer,
      keys: [held(key, { issuer: template })],
      jwksUri: `${fabrikam}/${tenant}/discovery/v2.0/keys`,
    }),
    claims: v2Claims(externalIssuer),
    nearMisses: [
      ['whose issuer is the custom domain', { claims: { iss: `${customHost}/${tenant}/v2.0` } }, byIssuer],
      ...(
        [
          'https://keys.example/keys',
          `https://ciamlogin.com.example/${tenant}/keys`,
          `https://fakeciamlogin.com/${tenant}/keys`,
          `https://fabrikam.ciamlogin.com:8443/${tenant}/keys`,
          `http://fabrikam.ciamlogin.com/${tenant}/keys`,
        ] as const
      ).map((jwksUri): NearMiss => [
        `while the metadata finds its keys at ${jwksUri}`,
        { documents: v2Documents(`${customHost}/${tenant}`, { issuer: externalIssuer, keys: [held(key)], jwksUri }) },
        'issuer_unavailable',
      ]),
      [
        'while the metadata names the issuer of another tenant',
        {
          documents: v2Documents(`${customHost}/${tenant}`, {
            issuer: `https://${otherTenant}.ciamlogin.com/${otherTenant}/v2.0`,
            keys: [held(key)],
          }),
        },
        'issuer_unavailable',
      ],
    ],
  },
];

const separateKeys = { ...ofPolicy('B2C_1_signin'), ...ofPolicy('B2C_1_edit', b2cHost, otherKey) };
const bothHosts = {
  ...ofPolicy('B2C_1_signin'),
  ...ofPolicy('B2C_1_signin', customHost, otherKey),
};
const tfpIssuer = (policy: string) => `${b2cHost}/tfp/${tenant}/${policy}/v2.0/`;

const b2cRows: readonly Row[] = [
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
    ...(host === b2cHost && { ofStrangeHost: byKey }),
  })),
];

let api: Api;
beforeAll(async () => {
  api = await serve([TenantsController]);
});
afterAll(() => api.close());
beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const now = () => start;

describe.each([...entraRows, ...externalIdRows, ...b2cRows])('$account', (row) => {
  const { options, claims, by = key } = row;

  it('lets its token in, and asks its own hosts alone', async () => {
    const asked: string[] = [];
    initialize({ ...options, now, fetch: standIn(row.documents, asked) });
    const answer = await api.call(pathOf(row), { token: await sign(claims, by) });
    expect([answer.status, answer.body]).toEqual([200, { iss: claims['iss'] }]);
    expect(asked.filter((url) => !(url in row.documents))).toEqual([]);
  });

  it.each([...spoiltAnywhere(row), ...(row.nearMisses ?? [])])('refuses a token %s', async (_, spoilt, refusal) => {
    initialize({ ...options, now, fetch: standIn({ ...row.documents, ...spoilt.documents }) });
    const token = await sign({ ...claims, ...spoilt.claims }, spoilt.by ?? by);
    expectRefusal(await api.call(pathOf(row), { token }), refusal);
  });
});

describe('allowedTenants as a function', () => {
  type Question = Extract<IdentityOptions['allowedTenants'], (...parameters: never) => unknown>;

  const iss = `${global}/${tenant}/v2.0`;
  const valid = v2Claims(iss);
  const configure = (allowedTenants: Question, options: IdentityOptions = {}) =>
    initialize({
      tenantId: 'organizations',
      clientId,
      allowedTenants,
      now,
      fetch: standIn(organizations),
      ...options,
    });
  const call = async (claims: Claims = valid, by?: Key) => api.call('/entra', { token: await sign(claims, by) });

  it.each<[string, Question]>([
    ['at once', (tid) => tid === tenant],
    ['later', async (tid) => Promise.resolve(tid === tenant)],
  ])('answers %s which tenants may call', async (_, allowedTenants) => {
    configure(allowedTenants);
    expect((await call()).status).toBe(200);
    expectRefusal(await call(v2Claims(`${global}/${otherTenant}/v2.0`, otherTenant)), byTenant);
    expect((await call(v1Claims(`https://sts.windows.net/${tenant}/`))).status).toBe(200);
  });

  it.each(['at once', 'later'])(
    'is asked %s for each request, by the tenant id alone, also of a token it knows',
    async (when) => {
      let isAllowed = true;
      const question = vi.fn((_tid: string) => (when === 'later' ? Promise.resolve(isAllowed) : isAllowed));
      configure(question);
      const token = await sign(valid);
      expect((await api.call('/entra', { token })).status).toBe(200);
      expect((await api.call('/entra', { token })).status).toBe(200);
      isAllowed = false;
      expectRefusal(await api.call('/entra', { token }), byTenant);
      expect(question.mock.calls).toEqual([[tenant], [tenant], [tenant]]);
    },
  );

  it.each<[string, (token: string) => string | Promise<string>, Refusal]>([
    ['a tampered token', (token) => `${token.slice(0, -8)}AAAAAAAA`, bySignature],
    ['a token of a stranger', () => sign(valid, stranger), byKey],
    ['an expired token', () => sign({ ...valid, exp: start / 1000 - 60 }), refused('expired')],
    ['an ID token', () => sign({ ...valid, scp: undefined, azp: undefined, nonce: 'n' }), refused('token_type')],
    ['a token for another API', () => sign({ ...valid, aud: person }), refused('audience')],
    ["a tid that is not the issuer's", () => sign({ ...valid, tid: otherTenant }), byTenant],
    ['a personal account', () => sign(v2Claims(`${global}/${consumers}/v2.0`, consumers)), byTenant],
  ])('is not asked about %s', async (_, spoil, refusal) => {
    const question = vi.fn(() => true);
    configure(question);
    const token = await sign(valid);
    expectRefusal(await api.call('/entra', { token: await spoil(token) }), refusal);
    expect(question).not.toHaveBeenCalled();
    expect((await api.call('/entra', { token })).status).toBe(200);
    expect(question).toHaveBeenCalledOnce();
  });

  it.each<[string, unknown]>([
    ['true as text', 'true'],
    ['1', 1],
    ['an object', {}],
    ['nothing', undefined],
    ['a promise of text', Promise.resolve('true')],
    ['a promise of nothing', Promise.resolve()],
  ])('lets nobody in by answering %s', async (_, answer) => {
    configure((() => answer) as Question);
    expectRefusal(await call(), byTenant);
  });

  it.each<[string, Question]>([
    [
      'throws',
      () => {
        throw new Error('the list of customers is down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the list of customers is down'))],
  ])('that %s lets nobody in, and only the developer hears of it', async (_, allowedTenants) => {
    configure(allowedTenants);
    const answer = await call();
    expectRefusal(answer, 'server_error');
    expect(answer.text).not.toContain('customers');
  });

  it.each(['organizations', 'common'])('has to be given with %s, and not beside a single tenant', async (tenantId) => {
    const missing = await errorOf(() => initialize({ tenantId, clientId }));
    expect(missing).toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('initialize: allowedTenants: got undefined') as string,
    });
    const beside = await errorOf(() => initialize({ ...single, allowedTenants: () => true }));
    expect(beside).toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('initialize: allowedTenants: is for tenantId') as string,
    });
  });
});

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
  ])('loads what the first request of %s would', async (_, options, published) => {
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
  ])('says what is wrong, and where to look, when the metadata %s', async (_, options, published, cause, where) => {
    const identity = initialize({ ...options, now, fetch: standIn(published) });
    const error = await errorOf(() => identity.ready());
    expect(error).toBeInstanceOf(IssuerUnavailableError);
    expect(error).toMatchObject({
      code: 'issuer_unavailable',
      status: 503,
      message: `The signing keys could not be loaded (${cause}). Look at ${where}.`,
      cause: { message: cause },
    });
  });
});
