import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { doctor } from '../../src/doctor/doctor.js';
import { start } from '../support/clock.js';
import { elsewhere, issuer, modules, run, useIssuer } from './run.js';

useIssuer();

describe('the command line', () => {
  it.each([
    [['--tenant', 'x'], "Unknown option '--tenant'"],
    [['--now', 'soon', 'token'], '--now takes a time'],
    [['--scheme', 'entraid', 'token'], '--scheme takes entra, b2c or any.'],
    [['--scheme', 'entra', '--policy', 'B2C_1_susi', 'token'], '--policy belongs to --scheme b2c.'],
    [['--scheme', 'any', '--policy', 'B2C_1_susi', 'token'], '--policy belongs to --scheme b2c.'],
    [['--policy', ' ', 'token'], 'policy'],
    [['--downstream', '--scheme', 'b2c'], '--downstream takes the options of the configuration'],
    [['one', 'two'], 'Give one token.'],
    [['--config', 'x', '--client-id', 'y'], 'exclude each other'],
    [['--routes', 'x', '--offline'], '--routes can only be combined with --open and --json'],
    [['--routes', 'x', 'token'], '--routes can only be combined with --open and --json'],
    [['--scope', 'api://x/read', '--tenant-id', elsewhere, '--client-id', elsewhere, 'token'], 'short name'],
  ])('is refused if it is wrong: %j', async (argv, message) => {
    const said = await run(argv);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(message);
  });

  it('is explained by --help if an option is unknown', async () => {
    const { err } = await run(['--tenant', 'x']);
    expect(err).toMatch(/^microsoft-identity-decorators doctor: Unknown option '--tenant'/);
    expect(err).toMatch(/\nSee microsoft-identity-decorators doctor --help\.\n$/);
  });

  it('does not show a token in the wrong position', async () => {
    const token = await issuer.token();
    for (const argv of [[`--token=${token}`], [token, token], ['--json=', token], ['--now', token]]) {
      const said = await run(argv);
      expect(said.code).toBe(2);
      expect(said.out + said.err).not.toContain(token.slice(0, 20));
    }
  });

  it('has one command', async () => {
    const said: string[] = [];
    const code = await doctor({
      argv: ['nurse'],
      env: {},
      stdin: Readable.from([]),
      stdout: { write: () => undefined },
      stderr: { write: (text) => said.push(text) },
      cwd: modules,
      now: () => start,
      fetch: globalThis.fetch,
      version: () => '1.2.3',
    });
    expect(code).toBe(2);
    expect(said.join('')).toContain('The only command is doctor.');
  });

  it('shows help and version', async () => {
    for (const help of ['--help', '-h', 'help']) {
      const said = await run([help]);
      expect(said).toMatchObject({ code: 0, err: '' });
      expect(said.out).toContain('--routes <module>');
    }
    expect(await run(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n' });
  });
});
