// The parent's side of the issuer: starts it, and has it sign tokens into a temporary folder.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { startChild } from './child.mjs';

export async function startAuthority(settings) {
  const child = startChild('issuer.mjs');
  const facts = await child.ask('start', settings);
  const folder = mkdtempSync(join(os.tmpdir(), 'identity-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  const writeTokens = async (count, options = {}) => {
    const file = join(folder, `${files++}.txt`);
    await child.ask('writeTokens', { file, count, ...options });
    return file;
  };
  return {
    facts,
    /** @returns the path of a file of tokens, one a line, no two the same */
    writeTokens,
    /** @returns tokens, no two the same */
    tokens: async (count, options) => readTokens(await writeTokens(count, options)),
    /** @returns how many token requests there were so far */
    tokenRequests: () => child.ask('tokenRequests'),
    stop: child.stop,
  };
}

export function readTokens(file) {
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

/** A token with one bit of its signature changed. */
export function tampered(token) {
  const [header, payload, signature] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes[40] ^= 1;
  return `${header}.${payload}.${bytes.toString('base64url')}`;
}
