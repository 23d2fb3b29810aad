import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { EntraError } from '../../src/doctor/entra-errors.js';
import { issuer, run, useIssuer, type Said } from './run.js';

useIssuer();

const mark = 'm4rk3r';
const message =
  `AADSTS65001: The user or administrator has not consented to use the application with ID '${mark}' named '${mark}'. ` +
  `Trace ID: ${mark} Correlation ID: ${mark} Timestamp: 2026-03-02 09:20:00Z`;
const errorsIn = ({ out }: Said) => (JSON.parse(out) as { readonly errors: readonly EntraError[] }).errors;

it.each([65001, 50013, 500011, 7000215, 50076, 53003, 700016])(
  'explains AADSTS%i without a configuration',
  async (number) => {
    const code = `AADSTS${String(number)}`;
    const said = await run([code]);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toMatch(new RegExp(`^${code}\\n {7}means {6}[A-Z].*\\.\\n {7}change {5}[A-Z].*\\.\\n$`));
    expect(errorsIn(await run([code, '--json']))).toEqual([
      { code, known: true, meaning: expect.any(String) as string, remedy: expect.any(String) as string },
    ]);
  },
);

it.each<[string, string, readonly string[]]>([
  ['a message', message, ['AADSTS65001']],
  ['small letters', 'aadsts65001', ['AADSTS65001']],
  [
    'a body',
    JSON.stringify({ error: mark, error_codes: [50076, 53003], trace_id: mark }),
    ['AADSTS50076', 'AADSTS53003'],
  ],
  ['a body with its message', JSON.stringify({ error_description: message, error_codes: [65001] }), ['AADSTS65001']],
  ['two messages', `${message}\n${message.replace('65001', '50013')}`, ['AADSTS65001', 'AADSTS50013']],
])('finds the numbers in %s, and shows nothing else of it', async (_, text, codes) => {
  for (const given of [[text], []]) {
    const said = await run([...given, '--json'], { stdin: Readable.from([text]) });
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(errorsIn(said).map(({ code }) => code)).toEqual(codes);
    expect(said.out).not.toContain(mark);
    expect((await run([...given], { stdin: Readable.from([text]) })).out).not.toContain(mark);
  }
});

it.each(['90117', '90205', '90146', '90088'])(
  'explains AADB2C%s of B2C, and shows nothing else of it',
  async (number) => {
    const said = await run([
      `AADB2C${number}: The scope '${mark}' is not supported. Correlation ID: ${mark}`,
      '--json',
    ]);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).not.toContain(mark);
    expect(errorsIn(said)).toEqual([
      {
        code: `AADB2C${number}`,
        known: true,
        meaning: expect.stringMatching(/^[A-Z].*\.$/) as string,
        remedy: expect.stringMatching(/^[A-Z].*\.$/) as string,
      },
    ]);
  },
);

it('says where to look a number of B2C up that it does not know', async () => {
  const said = await run(['aadb2c90999']);
  expect(said).toMatchObject({ code: 1, err: '' });
  expect(said.out).toContain('AADB2C90999');
  expect(said.out).toContain('https://learn.microsoft.com/azure/active-directory-b2c/error-codes');
});

it('says where to look a number up that it does not know', async () => {
  const said = await run([message.replace('65001', '99998')]);
  expect(said).toMatchObject({ code: 1, err: '' });
  expect(said.out).toContain('This number is not explained here.');
  expect(said.out).toContain('https://login.microsoftonline.com/error?code=99998');
  expect(said.out).not.toContain(mark);
  expect(errorsIn(await run(['AADSTS99998', '--json']))).toMatchObject([{ code: 'AADSTS99998', known: false }]);
});

it.each(['AADSTS', 'AADSTS12', 'AADSTS1234567890', 'AADB2C9011', 'AADB2C901170', `header.AADSTS65001.${mark}`])(
  'takes %s for a token',
  async (text) => {
    const said = await run([text]);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('--tenant-id and --client-id');
  },
);

it('does not show a token beside a number', async () => {
  const token = await issuer.token();
  const said = await run([`Bearer ${token}\nAADSTS50013: ${mark}`]);
  for (const part of [...token.split('.'), mark]) expect(said.out + said.err).not.toContain(part);
  expect(said.out).toContain('AADSTS50013');
});
