/** The ids and keys of a local issuer, new or kept in a file so that they are the same at the next start. */
import { createPrivateKey, randomBytes, randomUUID, type JsonWebKey } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createKeyPair, keyPairOf, type KeyPair } from './signing-keys.js';

const idNames = [
  'tenantId',
  'clientId',
  'b2cTenantId',
  'b2cClientId',
  'b2cDaemonClient',
  'b2cDaemonId',
  'userId',
  'appId',
  'clientSecret',
] as const;

/** What stays the same while an issuer runs. */
export type TenantIds = Readonly<Record<(typeof idNames)[number], string>>;

/** The keys of both authorities. The first of each signs, all are published. */
export type TenantKeys = Readonly<Record<'entra' | 'b2c', readonly KeyPair[]>>;

export interface TenantState {
  readonly ids: TenantIds;
  readonly keys: TenantKeys;
  /** The port of the last start. */
  readonly port?: number | undefined;
}

/** @param published - how many keys each authority publishes */
export async function createKeys(published: number): Promise<TenantKeys> {
  const create = () => Promise.all(Array.from({ length: published }, createKeyPair));
  const [entra, b2c] = await Promise.all([create(), create()]);
  return { entra, b2c };
}

export async function createTenantState(published: number): Promise<TenantState> {
  return {
    ids: {
      tenantId: randomUUID(),
      clientId: randomUUID(),
      b2cTenantId: randomUUID(),
      b2cClientId: randomUUID(),
      b2cDaemonClient: randomUUID(),
      b2cDaemonId: randomUUID(),
      userId: randomUUID(),
      appId: randomUUID(),
      clientSecret: randomBytes(24).toString('base64url'),
    },
    keys: await createKeys(published),
  };
}

interface Kept {
  readonly port?: number;
  readonly ids: TenantIds;
  readonly keys: Readonly<Record<'entra' | 'b2c', readonly { readonly kid: string; readonly jwk: JsonWebKey }[]>>;
}

function parse(text: string): TenantState {
  const { port, ids, keys } = JSON.parse(text) as Kept;
  if (idNames.some((name) => typeof ids[name] !== 'string')) throw new TypeError('An id is missing.');
  const pairs = (name: 'entra' | 'b2c') => {
    const [first, ...rest] = keys[name];
    if (first === undefined) throw new TypeError('There is no key.');
    return [first, ...rest].map(({ kid, jwk }) => keyPairOf(createPrivateKey({ key: jwk, format: 'jwk' }), kid));
  };
  return { ids, keys: { entra: pairs('entra'), b2c: pairs('b2c') }, port };
}

/** The state in a file, or undefined where there is no such file. */
export async function readTenantState(file: string): Promise<TenantState | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return parse(text);
  } catch (cause) {
    throw new Error(`${file} does not hold the ids and keys of a local issuer. Delete it, for new ones.`, { cause });
  }
}

/** Writes the state. The file has private keys, so only its owner may read it. */
export async function writeTenantState(file: string, { ids, keys, port }: TenantState): Promise<void> {
  const exported = (pairs: readonly KeyPair[]) =>
    pairs.map(({ kid, privateKey }) => ({ kid, jwk: privateKey.export({ format: 'jwk' }) }));
  const kept: Kept = {
    ...(port !== undefined && { port }),
    ids,
    keys: { entra: exported(keys.entra), b2c: exported(keys.b2c) },
  };
  await mkdir(dirname(file), { recursive: true });
  // Another process never reads half of a file.
  const unfinished = `${file}.${String(process.pid)}`;
  await writeFile(unfinished, `${JSON.stringify(kept, undefined, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, file);
}
