import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeToken } from '../../src/testing/signing-keys.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing/test-issuer.js';

let folder: string;
let stateFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenant-state-'));
  stateFile = join(folder, 'cache', 'issuer.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface KeySet {
  readonly keys: readonly { readonly kid: string }[];
}

async function publishedBy({ url, options }: TestIssuer): Promise<readonly string[]> {
  const response = await fetch(`${url}/${options.tenantId}/discovery/v2.0/keys`);
  return ((await response.json()) as KeySet).keys.map(({ kid }) => kid);
}

const keyOf = async (issuer: TestIssuer) => decodeToken(await issuer.token())?.header['kid'];

async function facts(issuer: TestIssuer) {
  const { url, options, b2cOptions, downstreamOptions, b2cDaemonClient } = issuer;
  const [oid, keys] = [decodeToken(await issuer.token())?.claims['oid'], await publishedBy(issuer)];
  return { url, options, b2cOptions, downstreamOptions, b2cDaemonClient, oid, keys };
}

describe('an issuer with a stateFile', () => {
  it('is the same at the next start', async () => {
    const first = await startTestIssuer({ stateFile });
    const known = await facts(first);
    await first.close();
    const second = await startTestIssuer({ stateFile });
    expect(await facts(second)).toEqual(known);
    await second.close();
  });

  it('keeps rotated keys', async () => {
    const first = await startTestIssuer({ stateFile });
    await first.rotateKeys({ overlap: true });
    const [key, published] = [await keyOf(first), await publishedBy(first)];
    await first.close();
    const second = await startTestIssuer({ stateFile });
    expect([await keyOf(second), await publishedBy(second)]).toEqual([key, published]);
    await second.close();
  });

  it('lets its owner alone read the file', async () => {
    const issuer = await startTestIssuer({ stateFile });
    await issuer.close();
    expect(statSync(stateFile).mode & 0o777).toBe(0o600);
  });

  it('takes another port where one is given', async () => {
    const first = await startTestIssuer({ stateFile });
    const second = await startTestIssuer({ stateFile, port: 0 });
    expect(second.url).not.toBe(first.url);
    expect(second.options.tenantId).toBe(first.options.tenantId);
    await first.close();
    await second.close();
  });

  it('keeps the port of the file where another one is given, also when keys are rotated', async () => {
    const first = await startTestIssuer({ stateFile });
    const second = await startTestIssuer({ stateFile, port: 0 });
    await second.rotateKeys();
    await first.close();
    const third = await startTestIssuer({ stateFile });
    expect(third.url).toBe(first.url);
    expect(await keyOf(third)).toBe(await keyOf(second));
    await second.close();
    await third.close();
  });

  it.each(['', '{', '{}', '{"ids":{},"keys":{}}'])(
    'refuses a file that holds something else, and leaves it: %j',
    async (text) => {
      stateFile = join(folder, 'other.json');
      writeFileSync(stateFile, text);
      await expect(startTestIssuer({ stateFile })).rejects.toThrow(`${stateFile} does not hold`);
      expect(readFileSync(stateFile, 'utf8')).toBe(text);
    },
  );
});

describe('rotateKeys', () => {
  it('publishes the new key alone', async () => {
    const issuer = await startTestIssuer();
    const before = await keyOf(issuer);
    await issuer.rotateKeys();
    expect(await publishedBy(issuer)).toEqual([await keyOf(issuer)]);
    expect(await keyOf(issuer)).not.toBe(before);
    await issuer.close();
  });

  it('with overlap signs with a key that was published before, and goes on publishing the old one', async () => {
    const issuer = await startTestIssuer({ stateFile });
    for (let rotation = 0; rotation < 2; rotation++) {
      const [old, published] = [await keyOf(issuer), await publishedBy(issuer)];
      await issuer.rotateKeys({ overlap: true });
      const current = await keyOf(issuer);
      expect(current).not.toBe(old);
      expect(published).toContain(current);
      expect(await publishedBy(issuer)).toContain(old);
    }
    expect(await publishedBy(issuer)).toHaveLength(3);
    await issuer.close();
  });
});
