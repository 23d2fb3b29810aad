/** Attacks on the form of a token: its signature, its header and its encoding. */
import { constants, createHmac, createPublicKey, generateKeyPairSync, sign as signWith } from 'node:crypto';
import {
  accepted,
  claims,
  describeAttacks,
  encode,
  header,
  issuer,
  token,
  withMember,
  written,
  type Row,
} from './target.js';

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

describeAttacks({
  'algorithm and signature': algorithms,
  'header parameters': headers,
  encoding: encodings,
});
