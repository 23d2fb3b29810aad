import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { entraFlags, issuer, run, useIssuer } from './run.js';

useIssuer();

/** A terminal without an echo of its own. */
class FakeTerminal extends Readable {
  readonly isTTY = true;
  readonly modes: boolean[] = [];
  readonly #typed: string[];

  constructor(...typed: string[]) {
    super();
    this.#typed = typed;
  }

  setRawMode(isRaw: boolean) {
    this.modes.push(isRaw);
    return this;
  }

  override _read() {
    const next = this.#typed.shift();
    if (next !== undefined) this.push(next);
  }
}

describe('the token', () => {
  it('is read from standard input, with the name and scheme of its header', async () => {
    const token = await issuer.token();
    const stdin = Readable.from(['Authorization: Bear', `er ${token}\r\n`]);
    expect(await run(entraFlags(), { stdin })).toMatchObject({ code: 0, err: '' });
  });

  it('is read from a prompt that does not show it', async () => {
    const token = await issuer.token();
    const stdin = new FakeTerminal(token.slice(0, 40), `${token.slice(40)}x\u007f\r`);
    const said = await run(entraFlags(), { stdin });
    expect(said.code).toBe(0);
    expect(said.err).toBe('Token (it is not shown): \n');
    for (const part of token.split('.')) expect(said.out).not.toContain(part);
    expect(stdin.modes).toEqual([true, false]);
  });

  it('is not read after Ctrl+C at the prompt', async () => {
    const stdin = new FakeTerminal('eyJ', '\u0003');
    const said = await run(entraFlags(), { stdin });
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('Interrupted.');
    expect(stdin.modes).toEqual([true, false]);
  });

  it('is missing if there is none', async () => {
    const said = await run(entraFlags());
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain('There is no token');
  });
});
