import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/doctor/examination.js';
import { initialize } from '../../src/gate/initialize.js';
import { start } from '../support/clock.js';
import { entraEnvironment, entraFlags, graph, issuer, run, seconds, useIssuer, type Given } from './run.js';

useIssuer();

const clientOfToken = '5f31b3ae-3b43-4b8f-9d2b-6f7c9a3e4f10';

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

  describe('has no character that a terminal obeys or that changes the direction of a text', () => {
    const range = (first: number, last: number) =>
      Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index));
    const obeyed = [
      ...['\u001b', '\u007f', '\u061c', '\u200e', '\u200f', '\u2028', '\u2029'],
      ...[range(0x80, 0x9f), range(0x202a, 0x202e), range(0x2066, 0x2069)].flat(),
    ];
    const hostile = `<${obeyed.join('')}>`;
    // White space is not accepted in an audience.
    const configured = `<${obeyed.filter((character) => !/\s/.test(character)).join('')}>`;
    const obeyedIn = (text: string) => obeyed.filter((character) => text.includes(character));
    const environment = () => ({ ...entraEnvironment(), AzureAd__Audience: configured });
    const hostileToken = () =>
      issuer.token(
        { aud: hostile, iss: hostile, tid: hostile, azp: hostile, scp: hostile, roles: [hostile], [hostile]: 1 },
        { kid: hostile },
      );

    it.each([[[]], [['--offline']], [['--role', configured]]])('as text: %j', async (flags) => {
      const said = await run([...flags, await hostileToken()], { env: environment() });
      expect(said.code).toBe(1);
      expect(obeyedIn(said.out + said.err)).toEqual([]);
    });

    it('as text, where what is escaped is shown', async () => {
      const said = await run([await issuer.token({ aud: '\u001b[2J' })], { env: { ...entraEnvironment() } });
      expect(said.out).toContain('aud    \\u{1b}[2J');
    });

    it.each([[[]], [['--offline']]])('as JSON, whose values are the same: %j', async (flags) => {
      const said = await run([...flags, '--json', await hostileToken()], { env: environment() });
      expect(obeyedIn(said.out)).toEqual([]);
      const { token, steps } = JSON.parse(said.out) as {
        readonly token: { readonly header: unknown; readonly claims: object; readonly otherClaims: readonly string[] };
        readonly steps: readonly Step[];
      };
      expect(token.header).toMatchObject({ kid: hostile });
      expect(token.claims).toMatchObject({ aud: hostile, iss: hostile, roles: [hostile] });
      expect(token.otherClaims).toContain(hostile);
      expect(steps.find(({ step }) => step === 'audience')?.expected).toContain(configured);
    });

    it('as JSON, beyond the first 65536 characters of Unicode', async () => {
      const tag = '\u{e0001}';
      const said = await run([...entraFlags(), '--json', await issuer.token({ aud: tag })]);
      expect(said.out).toContain('"aud": "\\udb40\\udc01"');
      expect(JSON.parse(said.out)).toMatchObject({ token: { claims: { aud: tag } } });
    });

    it('in a message', async () => {
      const instance = `https://login.example/${configured.slice(0, 20)}`;
      const said = await run([await issuer.token()], { env: { ...entraEnvironment(), AzureAd__Instance: instance } });
      expect(said).toMatchObject({ code: 2, out: '' });
      expect(said.err).toContain('https://login.example/<\\u{1b}');
      expect(obeyedIn(said.err)).toEqual([]);
    });

    it.each([['as text', []] as const, ['as JSON', ['--json']] as const])('in a route, %s', async (_, flags) => {
      const said = await run(['--routes', './hostile.ts', ...flags]);
      expect(said.out).toContain(flags.length === 0 ? '/\\u{202e}notes' : '/\\u202enotes');
      expect(obeyedIn(said.out)).toEqual([]);
    });
  });

  it('shows the cause, the expected value, the found value and what to change', async () => {
    const said = await run([...entraFlags(), await issuer.token({ aud: graph })]);
    const { clientId } = issuer.options;
    expect(said.out).toContain(
      [
        'FAIL   audience',
        `       expected   ${clientId} or`,
        `                  api://${clientId}`,
        `       found      ${graph}`,
        '       cause      graph_token',
        '       change     The token is for Microsoft Graph: the client asked for a scope',
        '                  of that API, or for none. It must ask for',
        `                  api://${clientId}/.default of this`,
        '                  API.',
      ].join('\n'),
    );
    expect(said.out).toMatch(
      /The token does not pass: 401 invalid_token \(audience\)\.\nThe cause is graph_token, see above\.\n$/,
    );
  });

  it('tells a remedy once, in lines of at most 80 columns', async () => {
    const { out } = await run([...entraFlags(), await issuer.token({ aud: graph })]);
    expect(out.split('The token is for Microsoft Graph')).toHaveLength(2);
    // A URL stays whole.
    const long = out.split('\n').filter((line) => line.length > 80 && line.slice(18).includes(' '));
    expect(long).toEqual([]);
  });

  it('tells what claims mean', async () => {
    const { out } = await run([...entraFlags(), await issuer.token({ azp: clientOfToken })]);
    expect(out).toContain(`azp    ${clientOfToken} (the client that got the token)`);
  });

  describe('on each kind of route, if Entra ID and B2C are configured', () => {
    const lastLines = async (token: string, ...flags: readonly string[]) => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions, now: () => start });
      const { code, out } = await run(['--config', './nothing.ts', ...flags, token]);
      return { code, lines: out.slice(out.indexOf('\n\nRoutes, by their decorator:') + 2) };
    };

    it('says where the token passes', async () => {
      expect(await lastLines(await issuer.b2cToken())).toEqual({
        code: 0,
        lines: [
          'Routes, by their decorator:',
          'FAIL   @RequiresAuth()    401 invalid_token (issuer), entra_route',
          'ok     @RequiresB2cAuth() passes',
          'ok     @RequiresAnyAuth() passes',
          'FAIL   no scheme          500 invalid_configuration, configuration',
          '',
          'The token passes on a route with @RequiresB2cAuth() or @RequiresAnyAuth() that demands no scope or role.',
          '',
        ].join('\n'),
      });
    });

    it('says offline where no step fails', async () => {
      expect(await lastLines(await issuer.token(), '--offline')).toEqual({
        code: 0,
        lines: [
          'Routes, by their decorator:',
          '?      @RequiresAuth()    no step fails',
          'FAIL   @RequiresB2cAuth() 401 invalid_token (policy), b2c_route',
          '?      @RequiresAnyAuth() no step fails',
          'FAIL   no scheme          500 invalid_configuration, configuration',
          '',
          'No step fails on a route with @RequiresAuth() or @RequiresAnyAuth() that demands no scope or role. Key and signature are not checked (--offline).',
          '',
        ].join('\n'),
      });
    });

    it('says so if it passes nowhere', async () => {
      const { code, lines } = await lastLines(await issuer.b2cToken({ tfp: 'B2C_1_other' }));
      expect(code).toBe(1);
      expect(lines).toContain('FAIL   @RequiresB2cAuth() 401 invalid_token (policy), policy\n');
      expect(lines).toContain('FAIL   @RequiresAnyAuth() 401 invalid_token (issuer), policy\n');
      expect(lines).toMatch(
        /\n\nThe token does not pass: 401 invalid_token \(issuer\)\.\nThe cause is policy, see above\.\n$/,
      );
    });

    it('is left out if the route is known', async () => {
      initialize({ ...issuer.options, b2c: issuer.b2cOptions, now: () => start });
      const { out } = await run(['--config', './nothing.ts', '--scheme', 'any', await issuer.b2cToken()]);
      expect(out).not.toContain('Routes');
      expect(out).toMatch(/\n\nThe token passes on a route that demands no scope or role\.\n$/);
    });
  });

  describe('on scopes and roles', () => {
    const report = async (...flags: readonly string[]) => {
      const { code, out } = await run([...entraFlags(), ...flags, await issuer.token({ scp: 'other' })]);
      return { code, out: out.replace(/\s+/g, ' ') };
    };

    it('says that nothing was compared if none is given', async () => {
      const { code, out } = await report();
      expect(code).toBe(0);
      expect(out).toContain('ok scope scp other; roles none; not compared: neither --scope nor --role is given');
      expect(out).toMatch(/ The token passes on a route that demands no scope or role\. $/);
    });

    it('says that the token passes if one is given', async () => {
      const { code, out } = await report('--scope', 'other');
      expect(code).toBe(0);
      expect(out).toContain('ok scope scp other; roles none The token passes. ');
      expect(out).not.toContain('compared');
    });
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
