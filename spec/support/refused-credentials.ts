/** Values of an Authorization header that hold no token as Microsoft issues it, by the code that explains them. */
import type { ExplanationCode } from '../../src/gate/explanation-hints.js';

type Row = readonly [when: string, authorization: (token: string) => string, code: ExplanationCode];

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const encrypted = `${encode({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })}.a2V5.aXY.dGV4dA.dGFn`;

/** Refused as `missing_token`. */
export const withoutToken: readonly Row[] = [
  ['nothing', () => '', 'no_token'],
  ['another scheme', () => 'Basic m4rk3r', 'other_scheme'],
  ['a scheme that begins like Bearer', (t) => `BearerX ${t}`, 'other_scheme'],
  ['a scheme and no more', () => 'Negotiate', 'no_scheme'],
  ['the token without a scheme', (t) => t, 'no_scheme'],
  ['the scheme in quotes', (t) => `"Bearer" ${t}`, 'quoted_token'],
  ['all in quotes', (t) => `"Bearer ${t}"`, 'quoted_token'],
  ['a variable without a value', () => 'undefined', 'unset_token'],
];

/** Refused as `malformed`. */
export const notOneToken: readonly Row[] = [
  ['nothing after the scheme', () => 'Bearer', 'empty_token'],
  ['undefined', () => 'Bearer undefined', 'unset_token'],
  ['null', () => 'bearer null', 'unset_token'],
  ['None of Python', () => 'Bearer None', 'unset_token'],
  ['an object', () => 'Bearer [object Object]', 'unset_token'],
  ['a promise that nobody waited for', () => 'Bearer [object Promise]', 'unset_token'],
  ['a variable of Postman', () => 'Bearer {{token}}', 'unset_token'],
  ['a variable of a shell', () => 'Bearer $TOKEN', 'unset_token'],
  ['the scheme twice', (t) => `Bearer Bearer ${t}`, 'scheme_twice'],
  ['the scheme twice, in two spellings', (t) => `Bearer bearer ${t}`, 'scheme_twice'],
  ['double quotes', (t) => `Bearer "${t}"`, 'quoted_token'],
  ['single quotes', (t) => `Bearer '${t}'`, 'quoted_token'],
  ['one quote', (t) => `Bearer ${t}"`, 'quoted_token'],
  ['encoded quotes', (t) => `Bearer %22${t}%22`, 'quoted_token'],
  ['brackets', (t) => `Bearer <${t}>`, 'quoted_token'],
  ['an opaque token', () => 'Bearer EwB4A8l6BAAUm4rk3r', 'opaque_token'],
  ['an encrypted token', () => `Bearer ${encrypted}`, 'encrypted_token'],
  ['more than 16 KiB', (t) => `Bearer ${t}${'A'.repeat(16 * 1024)}`, 'long_token'],
  ['five parts that are not encrypted', (t) => `Bearer ${t}.m4rk3r.m4rk3r`, 'malformed'],
  ['half a token', (t) => `Bearer ${t.slice(0, t.lastIndexOf('.'))}`, 'cut_off_token'],
  ['the first part of a token', (t) => `Bearer ${t.slice(0, t.indexOf('.'))}`, 'cut_off_token'],
  ['a token that was cut off', (t) => `Bearer ${t.slice(0, -1)}`, 'malformed'],
  ['words', () => 'Bearer one two', 'malformed'],
];
