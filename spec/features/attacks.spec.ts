/** One row per attack. Each spoils one thing in a token, or a request, that is accepted as it was. */
import { constants, createHmac, createPublicKey, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { connect } from 'node:net';
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize, RequiresAuth, RequiresB2cAuth, ValidateScope } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, serve, type Api, type Refusal } from '../support/api.js';

let ran = 0;

@JsonController()
class TargetController {
  @Get('/entra')
  @RequiresAuth()
  @ValidateScope('access_as_user')
  entra() {
    ran++;
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    ran++;
    return {};
  }

  @Get('/b2c/susi')
  @RequiresB2cAuth({ policy: 'B2C_1_susi' })
  susi() {
    ran++;
    return {};
  }

  @Get('/open-to-any-scope')
  @RequiresAuth()
  anyScope() {
    ran++;
    return {};
  }
}

let issuer: TestIssuer;
let api: Api;

beforeAll(async () => {
  issuer = await startTestIssuer();
  initialize({ ...issuer.options, b2c: issuer.b2cOptions });
  api = await serve([TargetController]);
});
beforeEach(() => {
  ran = 0;
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

const encode = (value: string | object) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

interface Parts {
  readonly header: Record<string, unknown>;
  readonly payload: Record<string, unknown>;
  readonly text: readonly [string, string, string];
}

async function accepted(): Promise<Parts> {
  const text = (await issuer.token()).split('.') as [string, string, string];
  const [header, payload] = text
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object);
  return { header: { ...header }, payload: { ...payload }, text };
}

/** A token whose JSON is written out by hand, under a good signature. */
async function written(spoil: (json: { header: string; payload: string }) => { header?: string; payload?: string }) {
  const { header, payload } = await accepted();
  const json = { header: JSON.stringify(header), payload: JSON.stringify(payload) };
  const spoiled = { ...json, ...spoil(json) };
  return issuer.sign(spoiled.header, spoiled.payload);
}

const withMember = (json: string, member: string) => `${json.slice(0, -1)},${member}}`;

async function published(): Promise<{ kid: string; n: string; e: string }> {
  const response = await fetch(`${issuer.url}/${issuer.options.tenantId}/discovery/v2.0/keys`);
  const { keys } = (await response.json()) as { keys: [{ kid: string; n: string; e: string }] };
  return keys[0];
}

async function publicPem(): Promise<string> {
  const { n, e } = await published();
  return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
}

const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const strangerJwk = stranger.publicKey.export({ format: 'jwk' });
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });

async function signedBy(header: object, sign: (input: Buffer) => Buffer): Promise<string> {
  const parts = await accepted();
  const input = `${encode({ ...parts.header, ...header })}.${encode(parts.payload)}`;
  return `${input}.${sign(Buffer.from(input)).toString('base64url')}`;
}

const nothing = () => Buffer.alloc(0);
const byStranger = (input: Buffer) => signWith('sha256', input, stranger.privateKey);
const seconds = () => Math.floor(Date.now() / 1000);

type Row = [name: string, expected: Refusal | 'accepted', token: () => Promise<string>, path?: string];

const token = (reason: string): Refusal => ({ invalidToken: reason });
const claims = (overrides: object) => () => issuer.token({ ...overrides });
const header = (overrides: object) => () => issuer.token({}, { ...overrides });

const algorithms: readonly Row[] = [
  ...['none', 'None', 'NONE', 'nOnE', ''].map((alg): Row => [
    `alg '${alg}' without a signature`,
    token('algorithm'),
    () => signedBy({ alg }, nothing),
  ]),
  ['alg none under a good signature', token('algorithm'), header({ alg: 'none' })],
  ['alg missing', token('algorithm'), header({ alg: undefined })],
  ['alg null', token('algorithm'), header({ alg: null })],
  ['alg as a list', token('algorithm'), header({ alg: ['RS256'] })],
  ['alg in lower case', token('algorithm'), header({ alg: 'rs256' })],
  ...['RS384', 'RS512', 'PS256', 'ES256', 'EdDSA', 'HS256', 'RSA-OAEP', 'dir'].map((alg): Row => [
    `alg ${alg} under an RS256 signature`,
    token('algorithm'),
    header({ alg }),
  ]),
  [
    'HS256 keyed with the public key as PEM',
    token('algorithm'),
    async () => {
      const pem = await publicPem();
      return signedBy({ alg: 'HS256' }, (input) => createHmac('sha256', pem).update(input).digest());
    },
  ],
  [
    'HS256 keyed with the modulus',
    token('algorithm'),
    async () => {
      const { n } = await published();
      return signedBy({ alg: 'HS256' }, (input) => createHmac('sha256', n).update(input).digest());
    },
  ],
  [
    'HS256 keyed with the public key, called RS256',
    token('signature'),
    async () => {
      const pem = await publicPem();
      return signedBy({}, (input) => createHmac('sha256', pem).update(input).digest());
    },
  ],
  [
    'PS256 by a stranger',
    token('algorithm'),
    () =>
      signedBy({ alg: 'PS256' }, (input) =>
        signWith('sha256', input, { key: stranger.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }),
      ),
  ],
  [
    'ES256 by a stranger',
    token('algorithm'),
    () =>
      signedBy({ alg: 'ES256' }, (input) =>
        signWith('sha256', input, { key: curve.privateKey, dsaEncoding: 'ieee-p1363' }),
      ),
  ],
  ["a stranger's signature", token('signature'), () => signedBy({}, byStranger)],
  ['no signature', token('signature'), () => signedBy({}, nothing)],
  ['a signature of zeros', token('signature'), () => signedBy({}, () => Buffer.alloc(256))],
  [
    'a signature cut short',
    token('signature'),
    async () => {
      const { text } = await accepted();
      const signature = Buffer.from(text[2], 'base64url').subarray(1).toString('base64url');
      return [text[0], text[1], signature].join('.');
    },
  ],
  [
    "another token's signature",
    token('signature'),
    async () => {
      const { text } = await accepted();
      const other = (await issuer.token({ sub: 'another' })).split('.');
      return [...text.slice(0, 2), other[2]].join('.');
    },
  ],
  [
    "another token's payload",
    token('signature'),
    async () => {
      const { text, payload } = await accepted();
      return [text[0], encode({ ...payload, roles: ['Admin'] }), text[2]].join('.');
    },
  ],
];

const headers: readonly Row[] = [
  ['crit with an extension', token('malformed'), header({ crit: ['exp'], exp: 1 })],
  ['crit empty', token('malformed'), header({ crit: [] })],
  ['crit of the wrong type', token('malformed'), header({ crit: 'b64' })],
  ['b64 false', token('malformed'), header({ b64: false, crit: ['b64'] })],
  ['b64 true without crit', token('malformed'), header({ b64: true })],
  ['kid missing', token('key'), header({ kid: undefined })],
  ['kid empty', token('key'), header({ kid: '' })],
  ['kid null', token('key'), header({ kid: null })],
  ['kid a number', token('key'), header({ kid: 7 })],
  ['kid a list', token('key'), async () => issuer.token({}, { kid: [(await published()).kid] })],
  ['kid an object', token('key'), header({ kid: { toString: 'x' } })],
  ['kid of a stranger', token('key'), header({ kid: 'stranger' })],
  ['kid a path', token('key'), header({ kid: '../../../../dev/null' })],
  ['kid a URL', token('key'), header({ kid: 'http://127.0.0.1:1/keys' })],
  ['kid an SQL injection', token('key'), header({ kid: "' UNION SELECT 'key" })],
  ['kid __proto__', token('key'), header({ kid: '__proto__' })],
  ['kid constructor', token('key'), header({ kid: 'constructor' })],
  ['kid with a line break', token('key'), header({ kid: 'a\r\nSet-Cookie: a=b' })],
  ['kid in another case', token('key'), async () => issuer.token({}, { kid: (await published()).kid.toUpperCase() })],
  ['kid huge', token('key'), header({ kid: 'k'.repeat(8_000) })],
  ['typ of a proof of possession', token('token_type'), header({ typ: 'pop' })],
  ['typ of another profile', token('token_type'), header({ typ: 'logout+jwt' })],
  ['typ of the wrong type', token('token_type'), header({ typ: 1 })],
  [
    "jwk with a stranger's key, signed by the stranger",
    token('signature'),
    () => signedBy({ jwk: strangerJwk }, byStranger),
  ],
  [
    "jwk with a stranger's key under a kid of its own",
    token('key'),
    () => signedBy({ jwk: { ...strangerJwk, kid: 'own' }, kid: 'own' }, byStranger),
  ],
  ['jku of a stranger', token('signature'), () => signedBy({ jku: 'https://stranger.example/keys' }, byStranger)],
  ['x5u of a stranger', token('signature'), () => signedBy({ x5u: 'https://stranger.example/cert' }, byStranger)],
  ['x5c of a stranger', token('signature'), () => signedBy({ x5c: ['MIIB'] }, byStranger)],
  ['zip, signed by a stranger', token('signature'), () => signedBy({ zip: 'DEF' }, byStranger)],
  // Never followed, so they do no harm under a good signature either.
  [
    'jku, jwk, x5u, x5c and zip under a good signature',
    'accepted',
    header({
      jku: 'https://stranger.example',
      jwk: strangerJwk,
      x5u: 'https://stranger.example',
      x5c: ['MIIB'],
      zip: 'DEF',
    }),
  ],
  [
    'a Graph token: nonce in the header, hashed before signing',
    token('signature'),
    async () => {
      const { text, header: original } = await accepted();
      return [encode({ ...original, nonce: 'nonce' }), text[1], text[2]].join('.');
    },
  ],
];

const encodings: readonly Row[] = [
  ['padding on the signature', token('malformed'), async () => `${await issuer.token()}==`],
  [
    'padding on the header',
    token('malformed'),
    async () => {
      const { text } = await accepted();
      return [`${text[0]}=`, text[1], text[2]].join('.');
    },
  ],
  [
    'standard base64 in the signature',
    token('malformed'),
    async () => {
      for (;;) {
        const { text } = await accepted();
        const signature = text[2].replaceAll('-', '+').replaceAll('_', '/');
        if (signature !== text[2]) return [text[0], text[1], signature].join('.');
        await issuer.rotateKeys();
      }
    },
  ],
  [
    'a last character that is not canonical',
    token('malformed'),
    async () => {
      const { text } = await accepted();
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const last = alphabet.indexOf(text[2].slice(-1));
      return [text[0], text[1], `${text[2].slice(0, -1)}${String(alphabet[last + 1])}`].join('.');
    },
  ],
  ['a lone base64url character', token('malformed'), async () => `${await issuer.token()}AAA`],
  ['two parts', token('malformed'), async () => (await accepted()).text.slice(0, 2).join('.')],
  ['four parts', token('malformed'), async () => `${await issuer.token()}.AAAA`],
  ['five parts, as of an encrypted token', token('malformed'), async () => `${await issuer.token()}.AAAA.AAAA`],
  ['an empty header', token('malformed'), async () => ['', ...(await accepted()).text.slice(1)].join('.')],
  [
    'an empty payload',
    token('malformed'),
    async () => {
      const { text } = await accepted();
      return [text[0], '', text[2]].join('.');
    },
  ],
  ['an opaque token of a personal account', token('malformed'), () => Promise.resolve('EwBwA8l6BAAUO9chh8cJscQLmU')],
  ['a header that is no JSON', token('malformed'), () => written(() => ({ header: 'RS256' }))],
  ['a header that is a list', token('malformed'), () => written(({ header }) => ({ header: `[${header}]` }))],
  [
    'a payload that is a text',
    token('malformed'),
    () => written(({ payload }) => ({ payload: JSON.stringify(payload) })),
  ],
  ['a payload that is null', token('malformed'), () => written(() => ({ payload: 'null' }))],
  [
    'a byte order mark before the payload',
    token('malformed'),
    () => written(({ payload }) => ({ payload: `\uFEFF${payload}` })),
  ],
  [
    'a byte order mark before the header',
    token('malformed'),
    () => written(({ header }) => ({ header: `\uFEFF${header}` })),
  ],
  ['text after the payload', token('malformed'), () => written(({ payload }) => ({ payload: `${payload}{}` }))],
  [
    'a comment in the payload',
    token('malformed'),
    () => written(({ payload }) => ({ payload: withMember(payload, '/**/"a":1') })),
  ],
  [
    'bytes that are not UTF-8',
    token('malformed'),
    async () => {
      const { text, payload } = await accepted();
      const bytes = Buffer.from(JSON.stringify({ ...payload, name: '?' }));
      bytes[bytes.lastIndexOf('?')] = 0xff;
      return [text[0], bytes.toString('base64url'), text[2]].join('.');
    },
  ],
  [
    'a repeated alg',
    token('malformed'),
    () => written(({ header }) => ({ header: withMember(header, '"alg":"RS256"') })),
  ],
  [
    'a repeated kid',
    token('malformed'),
    () => written(({ header }) => ({ header: withMember(header, '"kid":"stranger"') })),
  ],
  [
    'a repeated scp',
    token('malformed'),
    () => written(({ payload }) => ({ payload: withMember(payload, '"scp":"access_as_user"') })),
  ],
  [
    'a repeated exp',
    token('malformed'),
    () => written(({ payload }) => ({ payload: withMember(payload, '"exp":9999999999') })),
  ],
  [
    'a repeated member spelled with an escape',
    token('malformed'),
    () => written(({ payload }) => ({ payload: withMember(payload, '"\\u0073cp":"access_as_user"') })),
  ],
  [
    'a repeated member further down',
    token('malformed'),
    () => written(({ payload }) => ({ payload: withMember(payload, '"a":[{"b":1,"b":2}]') })),
  ],
  [
    '__proto__ in the payload',
    token('malformed'),
    () => written(({ payload }) => ({ payload: withMember(payload, '"__proto__":{"scp":"access_as_user"}') })),
  ],
  [
    '__proto__ in the header',
    token('malformed'),
    () => written(({ header }) => ({ header: withMember(header, '"__proto__":{"alg":"RS256"}') })),
  ],
  [
    '__proto__ further down',
    token('malformed'),
    () => written(({ payload }) => ({ payload: withMember(payload, '"a":{"__proto__":1}') })),
  ],
  [
    'nesting without end',
    token('malformed'),
    () => written(({ payload }) => ({ payload: withMember(payload, `"a":${'['.repeat(2_000)}${']'.repeat(2_000)}`) })),
  ],
  [
    'objects nested without end',
    token('malformed'),
    () =>
      written(({ payload }) => ({ payload: withMember(payload, `"a":${'{"b":'.repeat(1_000)}1${'}'.repeat(1_000)}`) })),
  ],
  ['more than 16 KiB', token('malformed'), claims({ pad: 'x'.repeat(16 * 1024) })],
];

const times: readonly Row[] = [
  ['exp missing', token('malformed'), claims({ exp: undefined })],
  ['exp a text', token('malformed'), claims({ exp: String(seconds() + 3600) })],
  ['exp a fraction', token('malformed'), claims({ exp: seconds() + 3600.5 })],
  ['exp null', token('malformed'), claims({ exp: null })],
  ['exp true', token('malformed'), claims({ exp: true })],
  ['exp a list', token('malformed'), claims({ exp: [seconds() + 3600] })],
  [
    'exp 1e400, which is Infinity',
    token('malformed'),
    () => written(({ payload }) => ({ payload: payload.replace(/"exp":\d+/, '"exp":1e400') })),
  ],
  ['exp beyond whole numbers', token('malformed'), claims({ exp: Number.MAX_SAFE_INTEGER + 1 })],
  ['exp negative', token('expired'), claims({ exp: -1 })],
  ['exp 0', token('expired'), claims({ exp: 0 })],
  ['exp just past the tolerance', token('expired'), () => issuer.token({ exp: seconds() - 6 })],
  ['exp within the tolerance', 'accepted', () => issuer.token({ exp: seconds() - 2 })],
  ['nbf in the future', token('not_yet_valid'), () => issuer.token({ nbf: seconds() + 60 })],
  ['nbf in the far future', token('not_yet_valid'), claims({ nbf: Number.MAX_SAFE_INTEGER })],
  ['nbf a text', token('malformed'), claims({ nbf: '0' })],
  ['nbf a fraction', token('malformed'), claims({ nbf: 0.5 })],
  [
    'nbf -1e400',
    token('malformed'),
    () => written(({ payload }) => ({ payload: payload.replace(/"nbf":\d+/, '"nbf":-1e400') })),
  ],
  ['iat in the future', token('not_yet_valid'), () => issuer.token({ iat: seconds() + 60 })],
  ['iat a text', token('malformed'), claims({ iat: 'now' })],
  ['iat null', token('malformed'), claims({ iat: null })],
  ['nbf and iat within the tolerance', 'accepted', () => issuer.token({ nbf: seconds() + 3, iat: seconds() + 3 })],
];

const graph = '00000003-0000-0000-c000-000000000000';
const clientId = () => issuer.options.clientId;
const audiences: readonly Row[] = [
  ['aud missing', token('malformed'), claims({ aud: undefined })],
  ['aud a number', token('malformed'), claims({ aud: 1 })],
  ['aud null', token('malformed'), claims({ aud: null })],
  ['aud an empty list', token('malformed'), claims({ aud: [] })],
  ['aud a list with an object', token('malformed'), () => issuer.token({ aud: [clientId(), {}] })],
  ['aud empty', token('audience'), claims({ aud: '' })],
  ['aud of Microsoft Graph', token('audience'), claims({ aud: graph })],
  ['aud of Microsoft Graph by URL', token('audience'), claims({ aud: 'https://graph.microsoft.com' })],
  ['aud in upper case', token('audience'), () => issuer.token({ aud: clientId().toUpperCase() })],
  ['aud with something after it', token('audience'), () => issuer.token({ aud: `${clientId()}0` })],
  ['aud with something before it', token('audience'), () => issuer.token({ aud: `0${clientId()}` })],
  ['aud cut short', token('audience'), () => issuer.token({ aud: clientId().slice(0, -1) })],
  ['aud with white space', token('audience'), () => issuer.token({ aud: `${clientId()} ` })],
  ['aud with two slashes', token('audience'), () => issuer.token({ aud: `api://${clientId()}//` })],
  ['aud of another scheme', token('audience'), () => issuer.token({ aud: `https://${clientId()}` })],
  ['aud with a path', token('audience'), () => issuer.token({ aud: `api://${clientId()}/access_as_user` })],
  ['aud joined by a comma', token('audience'), () => issuer.token({ aud: `${graph},${clientId()}` })],
  ['aud a list without us', token('audience'), claims({ aud: [graph] })],
  ['aud a list with us', 'accepted', () => issuer.token({ aud: [graph, clientId()] })],
  ['aud in its URI form, with one slash', 'accepted', () => issuer.token({ aud: `api://${clientId()}/` })],
];

const ours = () => `${issuer.url}/${issuer.options.tenantId}/v2.0`;
const otherTenant = 'aaaaaaaa-0000-4000-8000-00000000000a';
const issuers: readonly Row[] = [
  ['iss missing', token('malformed'), claims({ iss: undefined })],
  ['iss a list', token('malformed'), () => issuer.token({ iss: [ours()] })],
  ['iss null', token('malformed'), claims({ iss: null })],
  ['iss empty', token('issuer'), claims({ iss: '' })],
  ['iss of a stranger', token('issuer'), claims({ iss: 'https://stranger.example/v2.0' })],
  [
    'iss of another tenant',
    token('issuer'),
    () => issuer.token({ iss: ours().replace(issuer.options.tenantId, otherTenant) }),
  ],
  ['iss with a slash too many', token('issuer'), () => issuer.token({ iss: `${ours()}/` })],
  ['iss in upper case', token('issuer'), () => issuer.token({ iss: ours().replace('/v2.0', '/V2.0') })],
  ['iss with a query', token('issuer'), () => issuer.token({ iss: `${ours()}?x=/v2.0` })],
  ['iss with user information', token('issuer'), () => issuer.token({ iss: ours().replace('//', '//x@') })],
  ['iss of https', token('issuer'), () => issuer.token({ iss: ours().replace('http:', 'https:') })],
  ['iss of the v1.0 form of a v2.0 issuer', token('issuer'), () => issuer.token({ iss: ours().replace('v2.0', '') })],
  [
    'iss of the template',
    token('issuer'),
    () => issuer.token({ iss: ours().replace(issuer.options.tenantId, '{tenantid}') }),
  ],
  ['iss of B2C', token('issuer'), () => issuer.token({ iss: `${issuer.url}/${issuer.b2cOptions.tenantId}/v2.0/` })],
  ['tid of another tenant', token('tenant'), claims({ tid: otherTenant })],
  ['tid no GUID', token('tenant'), claims({ tid: 'contoso.onmicrosoft.com' })],
  ['tid in upper case', token('tenant'), () => issuer.token({ tid: issuer.options.tenantId.toUpperCase() })],
  ['tid a list', token('tenant'), () => issuer.token({ tid: [issuer.options.tenantId] })],
  ['tid null', token('tenant'), claims({ tid: null })],
  ['tid empty', token('tenant'), claims({ tid: '' })],
  ['tid a second time in another case', token('tenant'), claims({ TID: otherTenant })],
  ['tid a second time in mixed case', token('tenant'), () => issuer.token({ Tid: issuer.options.tenantId })],
];

const kinds: readonly Row[] = [
  ['an ID token', token('token_type'), () => issuer.idToken()],
  ['an ID token with roles', token('token_type'), () => issuer.idToken({ roles: ['access_as_user'] })],
  ['an ID token without a nonce', token('token_type'), () => issuer.idToken({ nonce: undefined })],
  [
    'an ID token that names a client',
    token('token_type'),
    () => issuer.idToken({ azp: otherTenant, roles: ['access_as_user'] }),
  ],
  ['at_hash', token('token_type'), claims({ at_hash: 'x' })],
  ['c_hash', token('token_type'), claims({ c_hash: 'x' })],
  ['no client', token('token_type'), claims({ azp: undefined })],
  ['a blank client', token('token_type'), claims({ azp: '' })],
  ['a client of the wrong type', token('token_type'), claims({ azp: 1 })],
  ['an app token without roles', token('token_type'), () => issuer.appToken({ roles: undefined })],
  ['an app token with no role', token('token_type'), () => issuer.appToken({ roles: [] })],
  ['an app token whose role is a number', token('token_type'), () => issuer.appToken({ roles: [1] })],
  ['an app token whose role is empty', token('token_type'), () => issuer.appToken({ roles: [''] })],
  ['an app token whose roles are a text', token('token_type'), () => issuer.appToken({ roles: 'access_as_user' })],
  ["an agent's token with the scope /", token('token_type'), () => issuer.appToken({ scp: '/', roles: undefined })],
  ["an agent's token with an empty scope", token('token_type'), () => issuer.appToken({ scp: '', roles: undefined })],
  [
    "an agent's token with the scope / and the role",
    'accepted',
    () => issuer.appToken({ scp: '/', roles: ['access_as_user'] }),
  ],
];

const missing: Refusal = { insufficientScope: 'scope', scope: 'access_as_user' };
const scopes: readonly Row[] = [
  ['scp a list', token('token_type'), claims({ scp: ['access_as_user'] })],
  ['scp a number', token('token_type'), claims({ scp: 1 })],
  ['scp null', token('token_type'), claims({ scp: null })],
  ['scp an object', token('token_type'), claims({ scp: { access_as_user: true } })],
  ['scp blank', token('token_type'), claims({ scp: ' ' })],
  ['scp /, of a person', token('token_type'), claims({ scp: '/' })],
  ['scp in another case', missing, claims({ scp: 'Access_As_User' })],
  ['scp cut short', missing, claims({ scp: 'access_as' })],
  ['scp with something after it', missing, claims({ scp: 'access_as_user2' })],
  ['scp joined by a comma', missing, claims({ scp: 'read,access_as_user' })],
  ['scp joined by a tab', missing, claims({ scp: 'read\taccess_as_user' })],
  ['scp joined by a line break', missing, claims({ scp: 'read\naccess_as_user' })],
  ['scp joined by a no-break space', missing, claims({ scp: 'read\u00a0access_as_user' })],
  ['scp by its full name', missing, () => issuer.token({ scp: `api://${clientId()}/access_as_user` })],
  ['scp in the middle of others', 'accepted', claims({ scp: 'read access_as_user write' })],
  ['scope in place of scp', token('token_type'), claims({ scp: undefined, scope: 'access_as_user' })],
  ['a role of two words', missing, () => issuer.appToken({ roles: ['read access_as_user'] })],
  ['a role in another case', missing, () => issuer.appToken({ roles: ['ACCESS_AS_USER'] })],
];

const b2c = (overrides: object) => () => issuer.b2cToken({ ...overrides });
const policies: readonly Row[] = [
  ['a user flow', 'accepted', b2c({}), '/b2c'],
  ['a custom policy in acr', 'accepted', b2c({ tfp: undefined, acr: 'b2c_1a_signin' }), '/b2c'],
  ['a nonce in an access token', 'accepted', b2c({ nonce: 'x' }), '/b2c'],
  ['no policy', token('policy'), b2c({ tfp: undefined }), '/b2c'],
  ['a policy that is not configured', token('policy'), b2c({ tfp: 'B2C_1_password_reset' }), '/b2c'],
  ['a policy of the wrong type', token('policy'), b2c({ tfp: ['B2C_1_susi'] }), '/b2c'],
  ['tfp unknown, acr known', token('policy'), b2c({ tfp: 'B2C_1_other', acr: 'B2C_1_susi' }), '/b2c'],
  ['a policy that is a path', token('policy'), b2c({ tfp: '../B2C_1_susi' }), '/b2c'],
  ['a policy __proto__', token('policy'), b2c({ tfp: '__proto__' }), '/b2c'],
  ["a configured policy, not the route's", token('policy'), b2c({ tfp: 'B2C_1A_signin' }), '/b2c/susi'],
  ['a B2C ID token', token('token_type'), b2c({ scp: undefined, nonce: 'x', azp: undefined }), '/b2c'],
  [
    'iss without its slash',
    token('issuer'),
    () => issuer.b2cToken({ iss: `${issuer.url}/${issuer.b2cOptions.tenantId}/v2.0` }),
    '/b2c',
  ],
  ['tid of another tenant', token('tenant'), b2c({ tid: otherTenant }), '/b2c'],
  ['tid of its own tenant', 'accepted', () => issuer.b2cToken({ tid: issuer.b2cOptions.tenantId }), '/b2c'],
  ['an Entra token on a B2C route', token('policy'), claims({}), '/b2c'],
  ['an Entra token that names a policy', token('key'), claims({ tfp: 'B2C_1_susi' }), '/b2c'],
  ['a B2C token on an Entra route', token('key'), b2c({})],
];

describe.each<[string, readonly Row[]]>([
  ['algorithm and signature', algorithms],
  ['header parameters', headers],
  ['encoding', encodings],
  ['time', times],
  ['audience', audiences],
  ['issuer and tenant', issuers],
  ['kind of token', kinds],
  ['scope and role', scopes],
  ['B2C policy and scheme', policies],
])('%s', (_, rows) => {
  it.each(rows)('%s', async (_name, expected, make, path = '/entra') => {
    // A token that nothing was done to passes at this moment, so the one thing spoiled is what is refused.
    const good = path === '/entra' ? issuer.token() : issuer.b2cToken();
    expect((await api.call(path, { token: await good })).status).toBe(200);
    expect(ran).toBe(1);
    const answer = await api.call(path, { token: await make() });
    if (expected === 'accepted') {
      expect([answer.status, ran]).toEqual([200, 2]);
    } else {
      expectRefusal(answer, expected);
      expect(ran).toBe(1);
    }
  });
});

/** Sends bytes as they are: what an HTTP client would not let through. */
function sendRaw(head: (token: string) => readonly string[]): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    void issuer.token().then((token) => {
      const { port } = new URL(api.url);
      const socket = connect(Number(port), '127.0.0.1');
      let text = '';
      socket.on('error', reject);
      socket.on('data', (chunk) => (text += chunk.toString('latin1')));
      socket.on('close', () => {
        resolve({ status: Number(text.split(' ')[1]), text });
      });
      const lines = ['GET /entra HTTP/1.1', 'Host: api', 'Connection: close', ...head(token), '', ''];
      // Not `end`: a Node server drops the answer to a client that has closed its half of the connection.
      socket.write(Buffer.from(lines.join('\r\n'), 'latin1'));
    }, reject);
  });
}

describe('credential smuggling', () => {
  const malformed = 'Bearer error="invalid_token", error_description="The access token is malformed."';
  const twice = 'Bearer error="invalid_request"';
  const rows: readonly [string, number, string | undefined, (token: string) => readonly string[]][] = [
    ['one header', 200, undefined, (t) => [`Authorization: Bearer ${t}`]],
    ['the scheme in another case', 200, undefined, (t) => [`AUTHORIZATION: bEARER ${t}`]],
    ['several spaces', 200, undefined, (t) => [`Authorization: Bearer    ${t}`]],
    ['white space around the value, which HTTP drops', 200, undefined, (t) => [`Authorization: \t Bearer ${t} \t`]],
    ['two headers', 400, twice, (t) => [`Authorization: Bearer ${t}`, `Authorization: Bearer ${t}`]],
    ['two headers in two cases', 400, twice, (t) => [`Authorization: Bearer ${t}`, 'AUTHORIZATION: Basic eA==']],
    ['an empty second header', 400, twice, (t) => [`Authorization: Bearer ${t}`, 'Authorization:']],
    ['no header', 401, 'Bearer', () => []],
    ['an empty header', 401, 'Bearer', () => ['Authorization:']],
    ['another scheme', 401, 'Bearer', (t) => [`Authorization: Basic ${t}`]],
    ['proof of possession', 401, 'Bearer', (t) => [`Authorization: PoP ${t}`]],
    ['a scheme that begins like ours', 401, 'Bearer', (t) => [`Authorization: BearerX ${t}`]],
    ['the token alone', 401, 'Bearer', (t) => [`Authorization: ${t}`]],
    ['the scheme alone', 401, malformed, () => ['Authorization: Bearer']],
    ['a tab for a space', 401, malformed, (t) => [`Authorization: Bearer\t${t}`]],
    ['a tab after the space', 401, malformed, (t) => [`Authorization: Bearer \t${t}`]],
    ['a no-break space', 401, malformed, (t) => [`Authorization: Bearer\u00a0${t}`]],
    ['two tokens, joined by a comma', 401, malformed, (t) => [`Authorization: Bearer ${t},${t}`]],
    ['two credentials, joined by a comma', 401, malformed, (t) => [`Authorization: Bearer ${t}, Bearer ${t}`]],
    ['two tokens', 401, malformed, (t) => [`Authorization: Bearer ${t} ${t}`]],
    ['the scheme twice', 401, malformed, (t) => [`Authorization: Bearer Bearer ${t}`]],
    ['quotes', 401, malformed, (t) => [`Authorization: Bearer "${t}"`]],
    ['a parameter', 401, malformed, (t) => [`Authorization: Bearer token="${t}"`]],
    ['a semicolon', 401, malformed, (t) => [`Authorization: Bearer ${t};`]],
    ['bytes above ASCII', 401, malformed, (t) => [`Authorization: Bearer ${t}\u00e9`]],
  ];

  it.each(rows)('%s', async (_, status, challenge, head) => {
    const answer = await sendRaw(head);
    expect(answer.status).toBe(status);
    const found = /^www-authenticate: (.*)$/im.exec(answer.text)?.[1]?.trim();
    expect(found).toBe(challenge);
    expect(ran).toBe(status === 200 ? 1 : 0);
  });
});
