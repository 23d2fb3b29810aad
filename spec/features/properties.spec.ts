/** Properties that hold for any input: nothing passes that was not built to pass, and nothing but a refusal comes out. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Authenticator, Requirement } from '../../src/core/access/requirement.js';
import { createIdentity } from '../../src/core/identity.js';
import { parseJsonObject } from '../../src/core/json.js';
import { AuthError, InsufficientScopeError, InvalidTokenError } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';

const runs = { numRuns: 500 };
const clock = Date.UTC(2026, 0, 1);
const nowSeconds = clock / 1000;

let issuer: TestIssuer;
let identity: Authenticator;
let valid: { header: Record<string, unknown>; payload: Record<string, unknown>; text: string };

beforeAll(async () => {
  issuer = await startTestIssuer({ now: () => clock });
  identity = createIdentity({ ...issuer.options, b2c: issuer.b2cOptions, now: () => clock });
  const text = await issuer.token();
  const [header, payload] = text
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>);
  valid = { header: { ...header }, payload: { ...payload }, text };
});
afterAll(() => issuer.close());

const requirement: Requirement = { scheme: { kind: 'entra', policies: undefined }, demands: [] };
const b2cRequirement: Requirement = { scheme: { kind: 'b2c', policies: undefined }, demands: [] };

/** What comes of a request: 200, or the status of a refusal. Any other failure fails the property. */
async function statusOf(authorization: string | undefined, demanded = requirement): Promise<number> {
  try {
    await identity.authenticate({ headers: authorization === undefined ? {} : { authorization } }, demanded);
    return 200;
  } catch (error) {
    expect(error).toBeInstanceOf(AuthError);
    const { status, message, headers } = error as AuthError;
    expect(Object.values(headers).join('')).toMatch(/^[\x20-\x7e]*$/);
    expect(message.length).toBeLessThan(100);
    return status;
  }
}

const present = (token: string, demanded?: Requirement) => statusOf(`Bearer ${token}`, demanded);

describe('headers', () => {
  it('of any text are refused with 401, and nothing else comes out', () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        expect(await statusOf(text)).toBe(401);
        expect(await statusOf(`Bearer ${text}`)).toBe(401);
      }),
      runs,
    ));

  it('pass with a valid token only where it stands alone after the scheme', () =>
    fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), async (before, after) => {
        const header = `${before}Bearer ${valid.text}${after}`;
        expect(await statusOf(header)).toBe(before === '' && after === '' ? 200 : 401);
      }),
      runs,
    ));
});

describe('tokens', () => {
  const base64url = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64url'));

  it('of any three parts are refused', () =>
    fc.assert(
      fc.asyncProperty(base64url, base64url, base64url, async (...parts) => {
        expect(await present(parts.join('.'))).toBe(401);
        expect(await present(parts.join('.'), b2cRequirement)).toBe(401);
      }),
      runs,
    ));

  it('are refused once any one character is another', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), async (position, character) => {
        const index = position % valid.text.length;
        const changed = valid.text.slice(0, index) + character + valid.text.slice(index + 1);
        fc.pre(changed !== valid.text);
        expect(await present(changed)).toBe(401);
      }),
      runs,
    ));

  it('are refused once anything is cut out or put in', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat({ max: 20 }), fc.string({ maxLength: 5 }), async (position, cut, insert) => {
        const index = position % valid.text.length;
        const changed = valid.text.slice(0, index) + insert + valid.text.slice(index + cut);
        fc.pre(changed !== valid.text);
        expect(await present(changed)).toBe(401);
      }),
      runs,
    ));

  it('with any JSON for header and payload, well signed, are refused', () =>
    fc.assert(
      fc.asyncProperty(fc.json(), fc.json(), async (header, payload) => {
        expect(await present(await issuer.sign(header, payload))).toBe(401);
        expect(await present(await issuer.sign(JSON.stringify(valid.header), payload))).toBe(401);
        expect(await present(await issuer.sign(header, JSON.stringify(valid.payload)))).toBe(401);
      }),
      { numRuns: 200 },
    ));
});

const isTime = (value: unknown): value is number => Number.isSafeInteger(value);
const isText = (value: unknown): value is string => typeof value === 'string';

/** Which values of a claim leave a valid token valid. Written apart from the code it judges. */
const harmless: Readonly<Record<string, (value: unknown) => boolean>> = {
  iss: () => false,
  aud: () => false,
  tid: (value) => value === undefined,
  exp: (value) => isTime(value) && value > nowSeconds - 5,
  nbf: (value) => value === undefined || (isTime(value) && value <= nowSeconds + 5),
  iat: (value) => value === undefined || (isTime(value) && value <= nowSeconds + 5),
  azp: (value) => isText(value) && value !== '',
  scp: (value) => isText(value) && value !== '/' && value.replaceAll(' ', '') !== '',
  sub: (value) => value === undefined || isText(value),
  jti: (value) => value === undefined || isText(value),
  at_hash: (value) => value === undefined,
  c_hash: (value) => value === undefined,
  // A delegated token may hold what it likes here.
  nonce: () => true,
  roles: () => true,
  name: () => true,
  ver: () => true,
  oid: () => true,
};

const anyValue = fc.oneof(
  fc.jsonValue(),
  fc.constant(undefined),
  fc.integer(),
  fc.integer({ min: nowSeconds - 20, max: nowSeconds + 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom('', ' ', '/', 'access_as_user', '1'),
);

describe('a claim of any value', () => {
  it('passes where it is harmless, and is refused where it is not', () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(harmless)), anyValue, async (name, value) => {
        const payload = { ...valid.payload, [name]: value };
        const text = JSON.stringify(payload);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        fc.pre(JSON.stringify(parsed[name]) !== JSON.stringify(valid.payload[name]) && !text.includes('__proto__'));
        const token = await issuer.sign(JSON.stringify(valid.header), text);
        expect(await present(token)).toBe(harmless[name]?.(parsed[name]) === true ? 200 : 401);
      }),
      { numRuns: 1_500 },
    ));

  it('never turns a demand that does not hold into one that does', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('scp', 'roles', 'wids', 'groups', 'scope'),
        fc.jsonValue(),
        async (name, value) => {
          const demanding: Requirement = { ...requirement, demands: [{ kind: 'role', anyOf: ['Admin'] }] };
          fc.pre(!JSON.stringify(value).includes('Admin'));
          const token = await issuer.token({ [name]: value });
          const outcome = await Promise.resolve()
            .then(() => identity.authenticate({ headers: { authorization: `Bearer ${token}` } }, demanding))
            .catch((error: unknown) => error);
          expect(outcome).toSatisfy(
            (error) => error instanceof InsufficientScopeError || error instanceof InvalidTokenError,
          );
        },
      ),
      runs,
    ));
});

describe('a header parameter of any value', () => {
  const harmlessHeader: Readonly<Record<string, (value: unknown) => boolean>> = {
    alg: () => false,
    kid: () => false,
    typ: (value) => value === undefined || value === 'at+jwt',
    crit: (value) => value === undefined,
    b64: (value) => value === undefined,
    jku: () => true,
    jwk: () => true,
    x5c: () => true,
    x5u: () => true,
    zip: () => true,
    cty: () => true,
    enc: () => true,
  };

  it('passes where it is harmless, and is refused where it is not', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(harmlessHeader)),
        fc.oneof(anyValue, fc.constantFrom('at+jwt', 'jwt', 'RS512', 'none')),
        async (name, value) => {
          const text = JSON.stringify({ ...valid.header, [name]: value });
          const parsed = JSON.parse(text) as Record<string, unknown>;
          fc.pre(JSON.stringify(parsed[name]) !== JSON.stringify(valid.header[name]) && !text.includes('__proto__'));
          const token = await issuer.sign(text, JSON.stringify(valid.payload));
          expect(await present(token)).toBe(harmlessHeader[name]?.(parsed[name]) === true ? 200 : 401);
        },
      ),
      { numRuns: 1_000 },
    ));
});

describe('JSON objects', () => {
  const shallow = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: true });
  const hasProto = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    (Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto));

  it('are read as any parser reads them, while every member stands once', () => {
    fc.assert(
      fc.property(shallow, fc.nat({ max: 2 }), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(parseJsonObject(text)).toEqual(hasProto(JSON.parse(text)) ? undefined : JSON.parse(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('are refused once a member stands twice, wherever it stands and however it is spelled', () => {
    fc.assert(
      fc.property(
        shallow,
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        fc.boolean(),
        (value, name, escaped, deep) => {
          const spelled = escaped
            ? `"${Array.from({ length: name.length }, (_, i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
            : JSON.stringify(name);
          const members = `${JSON.stringify(name)}:1,"between":${JSON.stringify(value)},${spelled}:2`;
          expect(parseJsonObject(deep ? `{"outer":[{"a":{${members}}}]}` : `{${members}}`)).toBeUndefined();
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('are never made of any other text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const parsed = parseJsonObject(text);
        if (parsed !== undefined) expect(JSON.parse(text)).toEqual(parsed);
      }),
      { numRuns: 2_000 },
    );
  });
});
