import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientCredential } from '../../src/downstream.js';
import { parseSettings } from '../../src/core/configuration/parse-settings.js';
import { examineSetUp, type SetUpItem } from '../../src/doctor/set-up.js';
import { selfSignedCertificate, type TestCertificate } from '../support/certificate.js';
import { start } from '../support/clock.js';
import { forgetIdentity } from '../support/isolation.js';
import { entraEnvironment, entraFlags, issuer, run, useIssuer, type Said } from './run.js';

const installation = vi.hoisted(() => ({ isMissing: false }));
vi.mock('../../src/core/msal-node.js', async (original) => {
  const real = await original<typeof import('../../src/core/msal-node.js')>();
  const { ConfigurationError } = await import('../../src/core/errors.js');
  return {
    loadMsalNode: () =>
      installation.isMissing ? Promise.reject(new ConfigurationError('not installed')) : real.loadMsalNode(),
  };
});

useIssuer();
afterEach(() => {
  installation.isMissing = false;
});

const secret = 'm4rk3r-of-the-secret';
const environment = (others: Readonly<Record<string, string>> = {}) => ({
  ...entraEnvironment(),
  AzureAd__ClientSecret: secret,
  DownstreamApis__orders__BaseUrl: 'https://orders.example',
  DownstreamApis__orders__Scopes: 'api://orders/read',
  ...others,
});
const read = ({ out }: Said) =>
  JSON.parse(out) as { readonly downstream: readonly SetUpItem[]; readonly faults: number };

describe('--downstream', () => {
  it('shows what is set up, and never a value of the credential', async () => {
    const said = await run(['--downstream'], { env: environment() });
    expect(said).toEqual({
      code: 0,
      err: '',
      out: [
        'Calls of other APIs, as configured by the environment.',
        '',
        'ok     package    @azure/msal-node is installed',
        'ok     credential client secret',
        'ok     store      none: each process asks for its own tokens',
        'ok     api orders https://orders.example, api://orders/read',
        '',
        'Nothing is wrong, as far as it can be seen without a network.',
        '',
      ].join('\n'),
    });
    expect(said.out).not.toContain(secret);
  });

  it('shows it as JSON', async () => {
    const said = await run(['--downstream', '--json'], { env: environment() });
    expect(said.code).toBe(0);
    expect(JSON.parse(said.out)).toMatchObject({ faults: 0, configuration: 'the environment' });
    expect(read(said).downstream.map(({ item, status }) => [item, status])).toEqual([
      ['package', 'pass'],
      ['credential', 'pass'],
      ['store', 'pass'],
      ['api orders', 'pass'],
    ]);
    expect(said.out).not.toContain(secret);
  });

  it('fails where msal-node is missing, and says what to install', async () => {
    installation.isMissing = true;
    const said = await run(['--downstream'], { env: environment() });
    expect(said.code).toBe(1);
    expect(said.out).toContain(
      'FAIL   package    @azure/msal-node could not be loaded\n       change     Run: npm install @azure/msal-node',
    );
    expect(said.out).toContain('1 of 4 parts are wrong.');
  });

  it('asks neither a function, nor a store, nor a network', async () => {
    forgetIdentity();
    const fetch = vi.spyOn(globalThis, 'fetch');
    const said = await run(['--downstream', '--json', '--config', './downstream.ts']);
    expect(said).toMatchObject({ code: 1, err: '' });
    expect(fetch).not.toHaveBeenCalled();
    expect(read(said)).toMatchObject({ faults: 2 });
    expect(read(said).downstream.map(({ item, status, remedy }) => [item, status, remedy?.slice(0, 40)])).toEqual([
      ['package', 'pass', undefined],
      ['credential', 'unknown', undefined],
      ['store', 'unknown', undefined],
      ['api graph', 'fail', 'This Graph is of another cloud than inst'],
      ['api mixed', 'fail', 'baseUrl and scopes name two hosts. A tok'],
      ['api orders', 'pass', undefined],
      ['api own', 'pass', 'These are scopes of this API itself. Nam'],
      ['api stock', 'pass', "asApplication('stock') needs a tenant, b"],
    ]);
  });

  it('fails where nothing is configured', async () => {
    const said = await run(['--downstream', ...entraFlags()]);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('has no downstream');
  });

  it.each([[['--scope', 'read']], [['--offline']], [['AADSTS65001']]])('takes no %j', async (others) => {
    const said = await run(['--downstream', ...others], { env: environment() });
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('--downstream takes');
  });
});

describe('a token', () => {
  it('is examined beside what is set up', async () => {
    const token = await issuer.token();
    const said = await run([token], { env: environment() });
    expect(said.code).toBe(0);
    expect(said.out).toMatch(
      /\nCalls of other APIs:\nok {5}package [^]*\n\nThe token passes on a route that demands no scope or role\.\n$/,
    );
    expect(read(await run([token, '--json'], { env: environment() })).downstream).toHaveLength(4);
  });

  it('is examined without it where no other API is called', async () => {
    const said = await run([await issuer.token()], { env: entraEnvironment() });
    expect(said.out).not.toContain('Calls of other APIs');
    expect(
      JSON.parse((await run([await issuer.token(), '--json'], { env: entraEnvironment() })).out),
    ).not.toHaveProperty('downstream');
  });
});

describe('a credential', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const day = 86_400_000;
  const pairOf = ({ certificate, privateKey }: TestCertificate) => ({ certificate, privateKey });
  const pair = pairOf(selfSignedCertificate());

  async function itemFor(credential: ClientCredential, nowMs = Date.now()): Promise<SetUpItem | undefined> {
    const items = await examineSetUp(parseSettings({ ...issuer.options, downstream: { credential } }), nowMs);
    expect(items?.at(-1)).toEqual({ item: 'apis', status: 'pass', found: 'none is named' });
    return items?.find(({ item }) => item === 'credential');
  }

  it.each<[string, () => ClientCredential, Partial<SetUpItem>]>([
    [
      'a secret that is the id of one',
      () => ({ clientSecret: '5B6F2C1E-6c0f-4a57-9d55-2f0a1c1c7d10' }),
      {
        status: 'fail',
        found: 'client secret',
        remedy: 'Set the value of the secret, not its id, in downstream.credential.',
      },
    ],
    [
      'a key of another certificate',
      () => ({ certificate: pair.certificate, privateKey: selfSignedCertificate().privateKey }),
      {
        status: 'fail',
        found: 'certificate',
        remedy: 'downstream.credential.privateKey: is not the key of the certificate.',
      },
    ],
    ['a certificate', () => pair, { status: 'pass', found: 'certificate' }],
    [
      'a file that is missing',
      () => ({ federatedTokenFile: join(folder, 'm4rk3r') }),
      { status: 'fail', remedy: 'downstream.credential.federatedTokenFile: could not be read.' },
    ],
    [
      'a managed identity',
      () => ({ managedIdentity: 'system' }),
      { status: 'unknown', found: 'managed identity, system-assigned; it is not asked here' },
    ],
    [
      'a managed identity of its own',
      () => ({ managedIdentity: '5b6f2c1e-6c0f-4a57-9d55-2f0a1c1c7d10' }),
      { status: 'unknown', found: 'managed identity, user-assigned; it is not asked here' },
    ],
    [
      'a function that returns an assertion',
      () => ({ assertion: () => Promise.reject(new Error('It is not called.')) }),
      { status: 'unknown', found: 'function that returns an assertion; it is not asked here' },
    ],
  ])('is examined: %s', async (_, credential, expected) => {
    const item = await itemFor(credential());
    expect(item).toMatchObject(expected);
    expect(JSON.stringify(item)).not.toMatch(/m4rk3r|BEGIN|5b6f2c1e/i);
  });

  it('is examined: a file', async () => {
    const path = join(folder, 'token');
    await writeFile(path, 'not a token\n');
    expect(await itemFor({ federatedTokenFile: path })).toMatchObject({ status: 'fail' });
    await writeFile(path, 'm4rk3r.m4rk3r.m4rk3r\n');
    expect(await itemFor({ federatedTokenFile: path })).toEqual({
      item: 'credential',
      status: 'pass',
      found: 'federated token file',
    });
  });

  it('is examined: a certificate that expired, or is not valid yet', async () => {
    expect(await itemFor(pair, Date.now() + 100_000 * day)).toMatchObject({
      status: 'fail',
      remedy: 'The certificate expired. Upload a new one to the app registration.',
    });
    expect(await itemFor(pair, start - 100_000 * day)).toMatchObject({ status: 'fail' });
  });
});
