import { describe, expect, it } from 'vitest';
import { entraFlags, graph, issuer, run, seconds, useIssuer, type Given } from './run.js';

useIssuer();

describe('the report', () => {
  const person = { name: 'Ada Lovelace', email: 'ada@example.com', oid: 'ada-oid', sub: 'ada-sub', sid: 'ada-sid' };

  it.each([['text', []] as const, ['JSON', ['--json']] as const])(
    'contains no part of the token and no personal data, as %s',
    async (_, flags) => {
      for (const token of [await issuer.token(person), await issuer.token({ ...person, aud: graph })]) {
        const said = await run([...entraFlags(), ...flags, token]);
        for (const part of token.split('.')) expect(said.out).not.toContain(part);
        for (const value of Object.values(person)) expect(said.out).not.toContain(value);
        expect(said.out).toContain('email');
      }
    },
  );

  it('shows times relative to now', async () => {
    const said = await run([...entraFlags(), await issuer.token({ nbf: seconds - 86_400 * 2 })]);
    expect(said.out).toContain('2026-01-01T01:00:00Z (in 1 hour)');
    expect(said.out).toContain('2025-12-30T00:00:00Z (2 days ago)');
  });

  it('contains no control characters', async () => {
    const hostile = '\u001b[2J\u009b2J\u202e';
    const said = await run([...entraFlags(), await issuer.token({ aud: hostile, scp: hostile, [hostile]: 1 })]);
    expect(said.code).toBe(1);
    for (const character of ['\u001b', '\u009b', '\u202e']) expect(said.out).not.toContain(character);
    expect(said.out).toContain('u{1b}[2J');
  });

  it('shows the cause, the expected value, the found value and what to change', async () => {
    const said = await run([...entraFlags(), await issuer.token({ aud: graph })]);
    const { clientId } = issuer.options;
    expect(said.out).toContain(
      [
        'FAIL   audience',
        `       expected   ${clientId} or api://${clientId}`,
        `       found      ${graph}`,
        '       cause      graph_token',
        '       change     The token is for Microsoft Graph',
      ].join('\n'),
    );
    expect(said.out).toMatch(/The token does not pass: 401 invalid_token \(audience\)\.\ngraph_token: [^\n]+\n$/);
  });

  it('has colours on a terminal, unless NO_COLOR or TERM forbids them', async () => {
    const argv = [...entraFlags(), await issuer.token()];
    const isColoured = async (given: Given) => (await run(argv, given)).out.includes('\u001b[32m');
    expect(await isColoured({ isTTY: true })).toBe(true);
    expect(await isColoured({ isTTY: true, env: { NO_COLOR: '' } })).toBe(true);
    expect(await isColoured({ isTTY: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await isColoured({ isTTY: true, env: { TERM: 'dumb' } })).toBe(false);
    expect(await isColoured({ isTTY: false })).toBe(false);
  });
});
