/** Runs the doctor in this process, and reads what it writes. */
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { doctor } from '../../src/doctor/doctor.js';
import type { Examination } from '../../src/doctor/examination.js';
import type { Input } from '../../src/doctor/terminal.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { start } from '../support/clock.js';
import { tenantVariables } from '../support/environment-variables.js';

export const modules = fileURLToPath(new URL('../support/doctor', import.meta.url));

/** The issuer of the file that runs, whose clock stands at {@link start}. */
export let issuer: TestIssuer;

/** Starts an issuer for the tests of a file. */
export function useIssuer(): void {
  beforeAll(async () => {
    issuer = await startTestIssuer({ now: () => start });
  });
  afterAll(() => issuer.close());
  afterEach(() => {
    issuer.setFault();
    vi.unstubAllEnvs();
  });
}

export interface Given {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: Input;
  readonly isTTY?: boolean;
  readonly fetch?: typeof globalThis.fetch;
}

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function run(argv: readonly string[], given: Given = {}): Promise<Said> {
  const said = { out: '', err: '' };
  const code = await doctor({
    argv: ['doctor', ...argv],
    env: given.env ?? {},
    stdin: given.stdin ?? Readable.from([]),
    stdout: { isTTY: given.isTTY, write: (text) => (said.out += text) },
    stderr: { write: (text) => (said.err += text) },
    cwd: modules,
    now: () => start,
    fetch: given.fetch ?? globalThis.fetch,
    version: () => '1.2.3',
  });
  return { code, ...said };
}

export const entraFlags = () => {
  const { tenantId, clientId, instance } = issuer.options;
  return ['--tenant-id', tenantId, '--client-id', clientId, '--instance', instance];
};

export const entraEnvironment = () => tenantVariables(issuer.options);

export const read = (said: Said) => JSON.parse(said.out) as Omit<Examination, 'seen'>;

/** The failing steps, each with its cause. */
export function failing({ steps }: Pick<Examination, 'steps'>): Record<string, string | undefined> {
  return Object.fromEntries(steps.filter(({ status }) => status === 'fail').map(({ step, cause }) => [step, cause]));
}

export const seconds = start / 1000;
export const elsewhere = 'aaaaaaaa-0000-4000-8000-00000000000a';
export const graph = '00000003-0000-0000-c000-000000000000';
