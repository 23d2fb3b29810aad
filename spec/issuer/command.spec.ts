/** The command as a user starts it. Works on `dist/`. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeToken } from '../../src/testing/signing-keys.js';
import { freePort } from '../support/program.js';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'esm', 'bin.js');
const stateOf = (folder: string) => join(folder, 'microsoft-identity-decorators', 'issuer.json');

let folder: string;
let port: string;
let started: ChildProcess[];

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'issuer-')));
  mkdirSync(join(folder, 'node_modules'));
  port = String(await freePort());
  started = [];
});
afterEach(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const environment = (variables: NodeJS.ProcessEnv = {}) => ({ PATH: process.env['PATH'], ...variables });

function run(args: readonly string[], { env = {}, cwd = folder }: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd,
    env: environment(env),
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { code: status, out: stdout, err: stderr };
}

/** Starts the issuer, and reads the variables that it prints. */
const serve = (...args: readonly string[]) => serveOnItsPort('--port', port, ...args);

async function serveOnItsPort(...args: readonly string[]) {
  const child = spawn(process.execPath, [bin, 'issuer', ...args], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  const err: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line.startsWith('# Listening on ')) break;
  }
  const variables = lines.flatMap((line) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value] as const];
  });
  const end = async (signal: NodeJS.Signals) => {
    const ended = once(child, 'exit');
    child.kill(signal);
    return (await ended) as unknown;
  };
  return { lines, variables: Object.fromEntries(variables), err, end };
}

const mint = (...args: readonly string[]) => run(['issuer', '--token', ...args]).out.trim();
const claimsOf = (token: string) => decodeToken(token)?.claims;

describe('the issuer', () => {
  it('prints the variables of an API that accepts its tokens', async () => {
    const { variables: env, end } = await serve('--b2c', 'B2C_1_susi');
    expect(Object.keys(env)).toEqual([
      'AzureAd__Instance',
      'AzureAd__TenantId',
      'AzureAd__ClientId',
      'AzureAd__ClientSecret',
      'AzureAdB2C__Instance',
      'AzureAdB2C__Domain',
      'AzureAdB2C__TenantId',
      'AzureAdB2C__ClientId',
      'AzureAdB2C__Policies',
    ]);
    const examined = (...args: readonly string[]) => {
      const { code, out, err } = run(['doctor', ...args], { env });
      return code === 0 ? 'accepted' : out + err;
    };
    expect(examined('--scheme', 'entra', '--scope', 'access_as_user', mint())).toBe('accepted');
    expect(examined('--scheme', 'entra', '--scope', 'b', '--role', 'c', mint('--scope', 'b', '--role', 'c'))).toBe(
      'accepted',
    );
    expect(examined('--scheme', 'entra', '--role', 'Reader', mint('--app', '--role', 'Reader'))).toBe('accepted');
    expect(examined('--scheme', 'entra', '--scope', 'access_as_user', mint('--v1'))).toBe('accepted');
    expect(examined('--scheme', 'entra', '--role', 'access_as_app', mint('--v1', '--app'))).toBe('accepted');
    expect(examined('--policy', 'B2C_1_susi', '--scope', 'a', mint('--b2c', 'B2C_1_susi', '--scope', 'a'))).toBe(
      'accepted',
    );
    expect(examined('--scheme', 'b2c', mint('--b2c', 'B2C_1_edit'))).toContain('policy');
    expect(await end('SIGTERM')).toEqual([0, null]);
  });

  it('prints variables of Entra ID alone where no policy is named, and comments', async () => {
    const { lines, variables, end } = await serve();
    expect(Object.keys(variables).filter((name) => name.startsWith('AzureAdB2C'))).toEqual([]);
    for (const line of lines) expect(line).toMatch(/^(#.*|\w+=\S+|)$/);
    expect(lines.at(-1)).toBe(`# Listening on http://127.0.0.1:${port}. Press Ctrl+C to stop.`);
    expect(await end('SIGINT')).toEqual([0, null]);
  });

  it('signs people in', async () => {
    const { variables, end } = await serve('--role', 'Orders.Admin');
    const authority = `${String(variables['AzureAd__Instance'])}/${String(variables['AzureAd__TenantId'])}`;
    const clientId = String(variables['AzureAd__ClientId']);
    const query = new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: 'http://localhost:5173/',
      scope: `api://${clientId}/access_as_user`,
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    });
    const page = await (await fetch(`${authority}/oauth2/v2.0/authorize?${String(query)}`)).text();
    for (const text of ['Ann Lindqvist', 'has the app roles Orders.Admin', 'Gus Park']) expect(page).toContain(text);
    await end('SIGTERM');
  });

  it('is the same at the next start, on the same port', async () => {
    const first = await serve();
    const token = mint();
    await first.end('SIGTERM');
    const second = await serve();
    expect(second.variables).toEqual(first.variables);
    expect(run(['doctor', token], { env: second.variables })).toMatchObject({ code: 0, err: '' });
    await second.end('SIGTERM');
    expect(claimsOf(mint())?.['iss']).toBe(claimsOf(token)?.['iss']);
    expect(statSync(stateOf(join(folder, 'node_modules', '.cache'))).mode & 0o777).toBe(0o600);
  });

  // Where it listened on all addresses, this one would be in use.
  it('listens on 127.0.0.1 alone', async () => {
    const { end } = await serve();
    const other = createServer().listen({ port: Number(port), host: '127.0.0.2' });
    await once(other, 'listening');
    await once(other.close(), 'close');
    await end('SIGTERM');
  });

  it('prints the same variables where it runs already, and says so', async () => {
    const { lines, end } = await serve();
    const again = run(['issuer']);
    const runs = `The issuer of this project already runs on http://127.0.0.1:${port}.`;
    expect(again).toMatchObject({ code: 0, err: `${runs} Its variables were printed.\n` });
    const printed = again.out.trimEnd().split('\n');
    expect(printed.slice(0, -1)).toEqual(lines.slice(0, -1));
    expect(printed.at(-1)).toBe(`# ${runs} Stop it in the terminal where it was started.`);
    expect(run(['issuer', '--port', port, '--b2c', 'B2C_1_susi'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('AzureAdB2C__Policies=B2C_1_susi\n') as string,
    });
    await end('SIGTERM');
  });

  it.each([
    ['--port', '1'],
    ['--role', 'Orders.Admin'],
  ])('takes no %s while it runs', async (flag, value) => {
    const { end } = await serve();
    expect(run(['issuer', flag, value])).toEqual({
      code: 1,
      out: '',
      err: `The issuer of this project already runs on http://127.0.0.1:${port}. Stop it first: ${flag} is for its start.\n`,
    });
    expect(claimsOf(mint())?.['iss']).toContain(`http://127.0.0.1:${port}/`);
    await end('SIGTERM');
  });

  it('takes the next free port at the first start of a project, and keeps it', async () => {
    // Where a program of this machine has the port, it is in use as well.
    const other = createServer((socket) => socket.destroy()).listen(4400, '127.0.0.1');
    await Promise.race([once(other, 'listening'), once(other, 'error')]);
    const first = await serveOnItsPort();
    const { port: taken } = new URL(String(first.variables['AzureAd__Instance']));
    expect(Number(taken)).toBeGreaterThan(4400);
    expect(await first.end('SIGTERM')).toEqual([0, null]);
    expect(first.err.join('')).toBe(
      'Port 4400 is in use, perhaps by the issuer of another project. ' +
        `This project has port ${taken} from now on.\n`,
    );
    if (other.listening) await once(other.close(), 'close');
    const second = await serveOnItsPort();
    expect(second.variables).toEqual(first.variables);
    expect(await second.end('SIGTERM')).toEqual([0, null]);
    expect(second.err).toEqual([]);
  });

  it('keeps to the port of its last start, also where that is in use', async () => {
    await (await serve()).end('SIGTERM');
    const other = createServer((socket) => socket.destroy()).listen(Number(port), '127.0.0.1');
    await once(other, 'listening');
    expect(run(['issuer'])).toEqual({
      code: 1,
      out: '',
      err: `Port ${port} is in use, perhaps by the issuer of another project. Set another one with --port.\n`,
    });
    await once(other.close(), 'close');
  });

  it('names its addresses where it is asked for another one', async () => {
    const { lines, variables, end } = await serve();
    const { AzureAd__Instance: url = '', AzureAd__TenantId: tenant = '', AzureAd__ClientId: clientId = '' } = variables;
    const authority = `${url}/${tenant}/v2.0`;
    expect(lines).toContain(`# For MSAL:  authority ${authority}, client id ${clientId},`);
    const response = await fetch(authority);
    expect([response.status, response.headers.get('content-type')]).toEqual([404, 'text/plain; charset=utf-8']);
    const policy = `${url}/contoso.onmicrosoft.com/<policy>`;
    expect((await response.text()).trimEnd().split('\n')).toEqual([
      'The issuer has no such address. It has:',
      '',
      ...[`${url}/${tenant}`, policy].flatMap((base) => [
        `GET  ${base}/v2.0/.well-known/openid-configuration`,
        `GET  ${base}/discovery/v2.0/keys`,
        `GET  ${base}/oauth2/v2.0/authorize`,
        `POST ${base}/oauth2/v2.0/token`,
      ]),
    ]);
    await end('SIGTERM');
  });

  it('names the flag to set where its port is in use', async () => {
    const other = createServer().listen(Number(port), '127.0.0.1');
    await once(other, 'listening');
    expect(run(['issuer', '--port', port])).toEqual({
      code: 1,
      out: '',
      err: `Port ${port} is in use, perhaps by the issuer of another project. Set another one with --port.\n`,
    });
    await once(other.close(), 'close');
  });
});

describe('a printed token', () => {
  it('has what is asked for, and no more', () => {
    expect(claimsOf(mint())).toMatchObject({ scp: 'access_as_user', ver: '2.0' });
    expect(claimsOf(mint())).not.toHaveProperty('roles');
    expect(claimsOf(mint('--scope', 'a', '--scope', 'b'))).toMatchObject({ scp: 'a b' });
    expect(claimsOf(mint('--role', 'a', '--role', 'b'))).toMatchObject({ roles: ['a', 'b'], scp: 'access_as_user' });
    expect(claimsOf(mint('--v1', '--role', 'a'))).toMatchObject({ roles: ['a'], scp: 'access_as_user', ver: '1.0' });
    expect(claimsOf(mint('--app'))).toMatchObject({ roles: ['access_as_app'], idtyp: 'app' });
    expect(claimsOf(mint('--app'))).not.toHaveProperty('scp');
    expect(claimsOf(mint('--v1', '--app', '--role', 'a'))).toMatchObject({ roles: ['a'], idtyp: 'app', ver: '1.0' });
    expect(claimsOf(mint('--group', 'a', '--group', 'b', '--claim', 'department=HR'))).toMatchObject({
      groups: ['a', 'b'],
      department: 'HR',
      scp: 'access_as_user',
    });
    expect(claimsOf(mint())).not.toHaveProperty('groups');
    expect(claimsOf(mint('--v1', '--app', '--group', 'a', '--claim', 'acct=1'))).toMatchObject({
      groups: ['a'],
      acct: 1,
      roles: ['access_as_app'],
    });
    expect(claimsOf(mint('--b2c', 'B2C_1_susi', '--claim', 'extension_level=["a"]'))).toMatchObject({
      extension_level: ['a'],
      tfp: 'B2C_1_susi',
    });
    expect(claimsOf(mint('--b2c', 'B2C_1_susi'))).toMatchObject({ tfp: 'B2C_1_susi', scp: 'access_as_user' });
  });

  it('is refused, where that is asked for', async () => {
    const { variables: env, end } = await serve('--b2c', 'B2C_1_susi');
    const verdictOn = (scheme: string, ...args: readonly string[]) => {
      const { out } = run(['doctor', '--json', '--scheme', scheme, mint(...args)], { env });
      const { verdict } = JSON.parse(out) as { readonly verdict: { readonly reason?: string } };
      return verdict.reason;
    };
    expect(verdictOn('entra')).toBeUndefined();
    expect(verdictOn('entra', '--expired')).toBe('expired');
    expect(verdictOn('entra', '--app', '--v1', '--expired')).toBe('expired');
    expect(verdictOn('entra', '--audience', 'api://other')).toBe('audience');
    expect(verdictOn('entra', '--app', '--audience', 'api://other')).toBe('audience');
    expect(verdictOn('b2c', '--b2c', 'B2C_1_susi', '--expired')).toBe('expired');
    expect(verdictOn('b2c', '--b2c', 'B2C_1_susi', '--audience', 'api://other')).toBe('audience');
    expect(claimsOf(mint('--audience', 'api://other'))).toMatchObject({ aud: 'api://other', scp: 'access_as_user' });
    await end('SIGTERM');
  });

  it('is of a tenant in the cache folder of the user where there is no project', () => {
    rmSync(join(folder, 'node_modules'), { recursive: true });
    const env = { XDG_CACHE_HOME: join(folder, 'cache') };
    const { code, err } = run(['issuer', '--token'], { env });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(statSync(stateOf(env.XDG_CACHE_HOME)).isFile()).toBe(true);
  });
});

describe('the command line', () => {
  const usage = 'Usage: microsoft-identity-decorators';

  it('shows its usage', () => {
    for (const [args, text] of [
      [[], '<command>'],
      [['issuer'], 'issuer [--port <port>]'],
      [['doctor'], 'doctor [options]'],
    ] as const) {
      for (const help of ['--help', '-h', 'help']) {
        const { code, out, err } = run([...args, help]);
        expect({ code, err }).toEqual({ code: 0, err: '' });
        expect(out).toContain(`${usage} ${text}`);
      }
    }
  });

  it.each([
    [[], ''],
    [['nurse'], '\nThere is no command "nurse".\n'],
  ])('shows its usage as an error for %j, and ends with the problem', (args, problem) => {
    const { code, out, err } = run(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.startsWith(usage)).toBe(true);
    expect(err.endsWith(problem)).toBe(true);
  });

  it('has the problem and --help for a wrong option', () => {
    expect(run(['issuer', '--prot', '1'])).toEqual({
      code: 2,
      out: '',
      err:
        "microsoft-identity-decorators issuer: Unknown option '--prot'\n" +
        'See microsoft-identity-decorators issuer --help.\n',
    });
  });
});
