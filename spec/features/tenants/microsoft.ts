/**
 * Tenants of every cloud and account type, in the shapes that Microsoft's documents and tokens really have: hosts are the public
 * ones, played by a function in the place of `fetch`.
 */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Cloud, type IdentityOptions } from '../../../src/index.js';
import type { Refusal } from '../../support/api.js';
import { hour, start } from '../../support/clock.js';

export const tenant = 'a5c1e0d2-7b34-4f68-9c0d-1e2f3a4b5c6d';
export const otherTenant = 'b6d2f1e3-8c45-4a79-8d1e-2f3a4b5c6d7e';
export const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';
export const clientId = 'c7e3a2f4-9d56-4b8a-9e2f-3a4b5c6d7e8f';
export const client = 'd8f4b3a5-ae67-4c9b-8f3a-4b5c6d7e8f90';
export const person = 'e9a5c4b6-bf78-4dac-9a4b-5c6d7e8f9012';

export const global = Cloud.Global;
export const government = Cloud.UsGovernment;
export const china = Cloud.China;
export const chinaMetadata = 'https://login.chinacloudapi.cn';
export const template = `${global}/{tenantid}/v2.0`;

export interface Key {
  readonly kid: string;
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  /** As published: no `alg`, and what the key says of itself added. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

async function createKey(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig' } };
}

export const [key, otherKey, stranger] = await Promise.all([
  createKey('key-1'),
  createKey('key-2'),
  createKey('key-of-nobody'),
]);

/** A key as a document holds it. */
export const held = ({ jwk }: Key, members: Readonly<Record<string, unknown>> = {}) => ({ ...jwk, ...members });

export type Documents = Readonly<Record<string, unknown>>;

export const wellKnown = '.well-known/openid-configuration';

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
export const v2Documents = (base: string, published: Published) =>
  documents(`${base}/v2.0/${wellKnown}`, { jwksUri: `${base}/discovery/v2.0/keys`, ...published });

/** The v1.0 document of an authority, and its keys. */
export const v1Documents = (base: string, published: Published) =>
  documents(`${base}/${wellKnown}`, { jwksUri: `${base}/discovery/keys`, ...published });

/** Plays all hosts: what is not published is not found. */
export function standIn(published: Documents, asked: string[] = []): typeof fetch {
  return (input) => {
    const url = input as string;
    asked.push(url);
    const document = published[url];
    return Promise.resolve(document === undefined ? new Response('', { status: 404 }) : Response.json(document));
  };
}

export type Claims = Readonly<Record<string, unknown>>;

const times = { iat: start / 1000, nbf: start / 1000, exp: (start + hour) / 1000 };

export const v2Claims = (iss: string, tid: string | undefined = tenant): Claims => ({
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

export const v1Claims = (iss: string, tid: string = tenant): Claims => ({
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

export const b2cClaims = (iss: string, policy: Claims): Claims => ({
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

export function sign(claims: Claims, by: Key = key): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: by.kid }).sign(by.privateKey);
}

export const refused = (invalidToken: string): Refusal => ({ invalidToken });
export const byKey = refused('key');
export const byIssuer = refused('issuer');
export const byTenant = refused('tenant');
export const byPolicy = refused('policy');
export const bySignature = refused('signature');

export const single = { tenantId: tenant, clientId };
export const many = (tenantId: 'organizations' | 'common'): IdentityOptions => ({
  tenantId,
  clientId,
  allowedTenants: '*',
});

export const globalV2 = v2Documents(`${global}/${tenant}`, {
  issuer: `${global}/${tenant}/v2.0`,
  keys: [held(key, { issuer: template })],
  cloud: 'microsoftonline.com',
});
// A tenant's v1.0 document points at the keys of all tenants.
export const globalV1 = v1Documents(`${global}/${tenant}`, {
  issuer: `https://sts.windows.net/${tenant}/`,
  keys: [held(key)],
  jwksUri: `${global}/common/discovery/keys`,
  cloud: 'microsoftonline.com',
});
export const globalKeysUrl = `${global}/${tenant}/discovery/v2.0/keys`;

export const organizations = {
  ...v2Documents(`${global}/organizations`, { issuer: template, keys: [held(key, { issuer: template })] }),
  ...v1Documents(`${global}/organizations`, { issuer: 'https://sts.windows.net/{tenantid}/', keys: [held(key)] }),
};

export const externalIssuer = `https://${tenant}.ciamlogin.com/${tenant}/v2.0`;
export const fabrikam = 'https://fabrikam.ciamlogin.com';
export const external = (path: string, keyIssuer: string = template, host = fabrikam) =>
  v2Documents(`${host}/${path}`, { issuer: externalIssuer, keys: [held(key, { issuer: keyIssuer })] });

export const b2cHost = 'https://fabrikam.b2clogin.com';
export const customDomain = 'login.fabrikam.example';
export const customHost = `https://${customDomain}`;
export const b2cIssuer = (host = b2cHost) => `${host}/${tenant}/v2.0/`;
export const b2cOptions = (policies: string | readonly string[], more: object = {}): IdentityOptions => ({
  b2c: { domainName: 'fabrikam', policies, tenantId: tenant, clientId, ...more },
});
export const b2cBase = (policy: string, host = b2cHost) => `${host}/fabrikam.onmicrosoft.com/${policy}`;
export const ofPolicy = (policy: string, host = b2cHost, by: Key = key, issuer = b2cIssuer(host)) =>
  v2Documents(b2cBase(policy, host), { issuer, keys: [held(by, { nbf: 1_493_763_266 })] });

export const bothHosts = {
  ...ofPolicy('B2C_1_signin'),
  ...ofPolicy('B2C_1_signin', customHost, otherKey),
};
