/** The programs of the migration guides, before and after, run as they stand against one issuer. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTestIssuer, type TestIssuer } from '../src/testing.js';
import { compiled, endPrograms, freePort, startProgram } from './support/program.js';

const root = join(import.meta.dirname, '..');
const guides = readdirSync(join(root, 'docs')).filter((name) => name.startsWith('migrate-from-'));

/** The TypeScript program under a heading. */
function programUnder(heading: string, guide: string): string | undefined {
  const text = readFileSync(join(root, 'docs', guide), 'utf8');
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return /```ts\n([^]*?)```/.exec(section)?.[1];
}

const programs = guides.flatMap((guide) =>
  ['Before', 'After'].flatMap((heading) => {
    const code = programUnder(heading, guide);
    return code === undefined ? [] : [{ guide, heading, code }];
  }),
);

/** passport-azure-ad takes metadata by https alone, which a local issuer does not speak. */
const byHttp = `import http from 'node:http';
import https from 'node:https';
const plain = (url) => (typeof url === 'string' ? url.replace(/^https:/, 'http:') : url);
https.get = (url, ...rest) => http.get(plain(url), ...rest);
https.request = (url, ...rest) => http.request(plain(url), ...rest);
`;

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startTestIssuer();
});

afterEach(endPrograms);

afterAll(() => issuer.close());

async function start(code: string): Promise<string> {
  const port = await freePort();
  const { options } = issuer;
  if (code.includes('passport-azure-ad')) {
    const program = `${byHttp}${compiled(code).replaceAll('issuer: `${instance}', 'issuer: `${plain(instance)}')}`;
    await startProgram(program, port, { ...options, instance: options.instance.replace('http:', 'https:') });
  } else {
    await startProgram(compiled(code), port, options);
  }
  return `http://127.0.0.1:${String(port)}/weather/Oslo`;
}

describe('the guides', () => {
  it('are seven, of which six come from Node', () => {
    expect(guides).toHaveLength(7);
    expect(programs.map(({ heading }) => heading).sort()).toEqual([
      ...Array.from({ length: 7 }, () => 'After'),
      ...Array.from({ length: 6 }, () => 'Before'),
    ]);
  });
});

describe.each(programs)('$guide, $heading', ({ heading, code }) => {
  it('lets in who has the scope, and nobody else', async () => {
    const url = await start(code);
    const call = (token?: string) =>
      fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

    const good = await call(await issuer.token({ scp: 'access_as_user', oid: 'ada' }));
    expect([good.status, await good.json()]).toEqual([200, { city: 'Oslo', askedBy: 'ada' }]);

    const anonymous = (await call()).status;
    const withoutScope = (await call(await issuer.token({ scp: 'other' }))).status;
    if (heading === 'After') expect([anonymous, withoutScope]).toEqual([401, 403]);
    else {
      // Before, a missing scope is 401 for some and 403 for others; some answer 403 even to nobody.
      expect([401, 403]).toContain(anonymous);
      expect([401, 403]).toContain(withoutScope);
    }
  });
});
