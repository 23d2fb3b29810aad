/** What people paste in place of a token. */
import { expect, it } from 'vitest';
import { entraFlags, issuer, read, run, useIssuer } from './run.js';

useIssuer();

it.each<[string, (token: string) => string]>([
  ['an option of curl', (token) => `-H "Authorization: Bearer ${token}"`],
  ['a long option of curl', (token) => `--header='authorization: bearer ${token}'`],
  ['a command of curl', (token) => `curl -s -H 'Authorization: Bearer ${token}' https://api.example/orders`],
  [
    'a command of several lines',
    (token) =>
      `curl 'https://api.example' \\\n  -H 'accept: */*' \\\n  -H 'Authorization: Bearer ${token}' \\\n  --compressed`,
  ],
])('finds the token in %s', async (_, pasted) => {
  const said = await run([...entraFlags(), '--json', '--', pasted(await issuer.token())]);
  expect(read(said).verdict).toEqual({ status: 'pass' });
});

it.each<[string, (token: string) => string, string]>([
  ['quotes', (token) => `"${token}"`, 'quoted_token'],
  ['a part of it', (token) => token.slice(0, 100), 'cut_off_token'],
  ['the scheme twice', (token) => `Bearer Bearer ${token}`, 'scheme_twice'],
  ['an opaque token', () => 'EwB4A8l6BAAU', 'opaque_token'],
])('tells %s apart', async (_, pasted, cause) => {
  const said = await run([...entraFlags(), '--json', pasted(await issuer.token())]);
  expect(read(said).verdict).toMatchObject({ status: 'fail', cause });
  expect(said.code).toBe(1);
});
