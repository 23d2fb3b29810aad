import { describe, expect, it, vi } from 'vitest';
import { forgetIdentity } from '../support/isolation.js';
import { entraEnvironment, failing, issuer, read, run, seconds, useIssuer } from './run.js';

useIssuer();

describe('the configuration', () => {
  it('is read from the environment', async () => {
    const said = await run([await issuer.token()], { env: entraEnvironment() });
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toContain('Checked against the environment');
  });

  it('has the restrictions of the environment', async () => {
    const env = { ...entraEnvironment(), AzureAd__AllowedClients: '99999999-2222-4333-8444-555555555555' };
    const refused = await run(['--json', await issuer.token()], { env });
    expect(read(refused).verdict).toMatchObject({ httpStatus: 403, reason: 'client' });
  });

  it('is refused if the environment has a name that may be a restriction', async () => {
    const env = { ...entraEnvironment(), AzureAd__AllowedClientIds: '99999999-2222-4333-8444-555555555555' };
    const said = await run([await issuer.token()], { env });
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('AzureAd__AllowedClientIds is not a name that is read');
  });

  it('is missing if nothing gives it', async () => {
    const said = await run([await issuer.token()]);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('--tenant-id and --client-id');
    expect(said.err).toContain(
      'node --env-file=<file> node_modules/microsoft-identity-decorators/dist/esm/bin.js doctor',
    );
  });

  it('is refused if it is wrong', async () => {
    const said = await run(['--tenant-id', 'x y', '--client-id', issuer.options.clientId, await issuer.token()]);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('doctor: --tenant-id: got a string of 3 characters; it takes a tenant GUID');
  });

  it('is read from options for B2C', async () => {
    const { domainName, tenantId, clientId } = issuer.b2cOptions;
    const flags = ['--b2c-domain', domainName, '--b2c-policy', 'B2C_1_susi', '--b2c-policy', 'B2C_1_edit'];
    const ids = ['--b2c-tenant-id', tenantId, '--b2c-client-id', clientId, '--offline', '--json'];
    const token = await issuer.b2cToken({ iss: `https://contoso.b2clogin.com/${tenantId}/v2.0/` });
    expect(await run([...flags, ...ids, token])).toMatchObject({ code: 0, err: '' });
    const halved = await run(['--b2c-domain', domainName, token]);
    expect(halved.err).toContain('--b2c-policy: got undefined');
    expect(halved.code).toBe(2);
  });

  it('is read from a module that calls initialize', async () => {
    for (const [name, value] of Object.entries(entraEnvironment())) vi.stubEnv(name, value);
    forgetIdentity();
    const now = String(seconds);
    const said = await run(['--config', './configuration.ts', '--now', now, await issuer.token()]);
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toContain('initialize() in ./configuration.ts');
    const refused = await run(['--config', 'one-client.ts', '--now', now, '--json', await issuer.token()]);
    expect(failing(read(refused))).toEqual({ client: 'client' });
    expect(read(refused).verdict).toMatchObject({ httpStatus: 403, reason: 'client' });
  });

  it('has a check of the application, which is a step of its own', async () => {
    for (const [name, value] of Object.entries(entraEnvironment())) vi.stubEnv(name, value);
    forgetIdentity();
    const asked = ['--config', 'not-blocked.ts', '--now', String(seconds), '--json'];
    const refused = await run([...asked, await issuer.token({ oid: 'blocked' })]);
    expect(failing(read(refused))).toEqual({ check: 'check' });
    expect(read(refused).verdict).toMatchObject({ httpStatus: 403, reason: 'check' });
    const passed = await run([...asked, await issuer.token({ oid: 'ada' })]);
    expect(read(passed).steps.at(-1)).toMatchObject({ step: 'check', status: 'pass' });
  });

  it('is refused with the name that is meant where a variable has one underscore', async () => {
    const said = await run([await issuer.token()], { env: { AzureAd_TenantId: 'm4rk3r' } });
    expect(said.code).toBe(2);
    expect(said.err).toContain('AzureAd_TenantId is not read: write AzureAd__TenantId.');
    expect(said.err).not.toContain('m4rk3r');
  });

  it.each([
    ['./nothing.ts', 'does not call initialize()'],
    ['./broken.ts', 'could not be loaded: The database is not there.'],
    ['./missing.ts', 'There is no module ./missing.ts'],
  ])('is missing if the module does not give it: %s', async (module, message) => {
    forgetIdentity();
    const said = await run(['--config', module, await issuer.token()]);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(message);
  });
});
