import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as msal from '@azure/msal-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ClientCredential } from '../../src/core/configuration/downstream-options.js';
import { ConfigurationError } from '../../src/core/errors.js';
import { Cloud } from '../../src/core/microsoft-hosts.js';
import { clientAuthentication } from '../../src/downstream/client-credential.js';
import { TokenUnavailableError } from '../../src/downstream/errors.js';
import { selfSignedCertificate } from '../support/certificate.js';

const context = { msal, instance: Cloud.Global };
const resolve = (credential: ClientCredential) => clientAuthentication(credential, context);

async function failure(credential: ClientCredential): Promise<Error> {
  return resolve(credential).then(
    () => {
      throw new Error('The credential was accepted.');
    },
    (error: unknown) => error as Error,
  );
}

describe('a secret', () => {
  it('is handed on', async () => {
    expect(await resolve({ clientSecret: 's' })).toEqual({ clientSecret: 's' });
  });
});

describe('a certificate', () => {
  const { certificate, privateKey, thumbprint } = selfSignedCertificate();

  it('is named by its SHA-256 thumbprint, and is sent along where that is wanted', async () => {
    const thumbprintSha256 = Buffer.from(thumbprint, 'base64url').toString('hex').toUpperCase();
    expect(await resolve({ certificate, privateKey })).toEqual({ clientCertificate: { thumbprintSha256, privateKey } });
    expect(await resolve({ certificate, privateKey, sendX5c: true })).toEqual({
      clientCertificate: { thumbprintSha256, privateKey, x5c: certificate },
    });
  });

  it('is refused where it is not readable, and nothing of it is in the error', async () => {
    const marker = 'MIIEsecretmarker';
    const broken = (label: string) => `-----BEGIN ${label}-----\n${marker}\n-----END ${label}-----\n`;
    const ofKey = await failure({ certificate, privateKey: broken('PRIVATE KEY') });
    expect(ofKey).toBeInstanceOf(ConfigurationError);
    expect(ofKey.message).toBe('downstream.credential.privateKey: is not readable PEM.');
    const ofCertificate = await failure({ certificate: broken('CERTIFICATE'), privateKey });
    expect(ofCertificate.message).toBe('downstream.credential.certificate: is not readable PEM.');
    for (const error of [ofKey, ofCertificate]) {
      expect(error.cause).toBeUndefined();
      expect(String(error.stack)).not.toContain(marker);
    }
  });

  it('is refused with the key of another, or one that is no RSA key', async () => {
    const pem = { type: 'pkcs8', format: 'pem' } as const;
    const other = selfSignedCertificate().privateKey;
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString();
    expect((await failure({ certificate, privateKey: other })).message).toContain('is not the key of the certificate');
    expect((await failure({ certificate, privateKey: ec })).message).toContain('is no RSA key');
  });
});

describe('an assertion', () => {
  it('is asked for each time', async () => {
    let count = 0;
    const credential = { assertion: () => `a.${String(count++)}.c` };
    expect(await resolve(credential)).toEqual({ clientAssertion: 'a.0.c' });
    expect(await resolve(credential)).toEqual({ clientAssertion: 'a.1.c' });
  });

  it('that fails makes the token unavailable', async () => {
    const cause = new Error('vault');
    for (const assertion of [
      () => Promise.reject<string>(cause),
      () => {
        throw cause;
      },
    ]) {
      const error = await failure({ assertion });
      expect(error).toBeInstanceOf(TokenUnavailableError);
      expect(error).toMatchObject({ cause, headers: { 'Retry-After': '5' } });
    }
  });

  it.each(['secret', '', 'a.b.c.d', 'a.b\r\nc.d'])('is refused where it is no JWT: %j', async (text) => {
    const error = await failure({ assertion: () => text });
    expect(error.message).toBe('downstream.credential: what the function assertion returned is not a JWT.');
    expect(error).toBeInstanceOf(ConfigurationError);
  });
});

describe('a token file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credential-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is read at each use', async () => {
    const federatedTokenFile = join(folder, 'token');
    await writeFile(federatedTokenFile, 'a.b.c\n');
    expect(await resolve({ federatedTokenFile })).toEqual({ clientAssertion: 'a.b.c' });
    await writeFile(federatedTokenFile, 'd.e.f');
    expect(await resolve({ federatedTokenFile })).toEqual({ clientAssertion: 'd.e.f' });
  });

  it('is a mistake of the configuration where it is missing, or holds no token', async () => {
    const missing = await failure({ federatedTokenFile: join(folder, 'missing') });
    expect(missing).toBeInstanceOf(ConfigurationError);
    expect(missing.message).toBe('downstream.credential.federatedTokenFile: could not be read.');
    const federatedTokenFile = join(folder, 'other');
    await writeFile(federatedTokenFile, 'a secret');
    const other = await failure({ federatedTokenFile });
    expect(other.message).toBe('downstream.credential: the text in federatedTokenFile is not a JWT.');
  });
});

describe('a managed identity', () => {
  const asked = vi.fn();
  class ManagedIdentityApplication {
    constructor(configuration: unknown) {
      asked(configuration);
    }
    acquireToken(request: unknown) {
      asked(request);
      return Promise.resolve({ accessToken: 'a.b.c' });
    }
  }
  const fake = { LogLevel: msal.LogLevel, ManagedIdentityApplication } as unknown as typeof msal;

  it.each([
    [Cloud.Global, 'api://AzureADTokenExchange'],
    [Cloud.UsGovernment, 'api://AzureADTokenExchangeUSGov'],
    [Cloud.China, 'api://AzureADTokenExchangeChina'],
    ['https://contoso.ciamlogin.com', 'api://AzureADTokenExchange'],
  ])('of %s is asked for the audience of that cloud', async (instance, resource) => {
    const id = 'bbbbbbbb-0000-4000-8000-000000000001';
    for (const managedIdentity of ['system', id]) {
      asked.mockClear();
      expect(await clientAuthentication({ managedIdentity }, { msal: fake, instance })).toEqual({
        clientAssertion: 'a.b.c',
      });
      const [[configuration], [request]] = asked.mock.calls as [[{ managedIdentityIdParams?: object }], [object]];
      const ids = managedIdentity === 'system' ? undefined : { userAssignedClientId: id };
      expect(configuration.managedIdentityIdParams).toEqual(ids);
      expect(request).toEqual({ resource });
    }
  });
});
