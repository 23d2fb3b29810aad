/** What the doctor uses of the process it runs in, and how it is given a token. */
import type { Readable } from 'node:stream';

/** Where the token may be read from: a pipe, or a terminal that can keep what is typed to itself. */
export type Input = Readable & {
  readonly isTTY?: boolean | undefined;
  setRawMode?(isRaw: boolean): unknown;
};

/** Where something is written. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** The process, as far as it is used. */
export interface Terminal {
  /** The arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where relative paths start. */
  readonly cwd: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly fetch: typeof globalThis.fetch;
  /** The version of this package. */
  readonly version: () => string;
}

/** The doctor was asked for something it cannot do: the message is for standard error. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const mostCharacters = 1024 * 1024;

async function readAll(stdin: Input): Promise<string> {
  let text = '';
  stdin.setEncoding('utf8');
  for await (const chunk of stdin) {
    text += String(chunk);
    if (text.length > mostCharacters) throw new UsageError('Standard input holds more than a token.');
  }
  return text;
}

const interrupt = '\u0003';
const endOfInput = '\u0004';
const erasing = ['\b', '\u007f'];

/** Reads a line without an echo. Not by lines of the terminal, which cuts them at 4096 characters. */
function readHidden(stdin: Input): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const end = (settle: () => void) => {
      stdin.off('data', onData);
      stdin.setRawMode?.(false);
      stdin.pause();
      settle();
    };
    const onData = (chunk: unknown) => {
      for (const character of String(chunk)) {
        if (character === interrupt) {
          end(() => {
            reject(new UsageError('Interrupted.'));
          });
          return;
        }
        if (character === '\r' || character === '\n' || character === endOfInput) {
          end(() => {
            resolve(text);
          });
          return;
        }
        text = erasing.includes(character) ? text.slice(0, -1) : text + character;
      }
    };
    stdin.setRawMode?.(true);
    stdin.setEncoding('utf8');
    stdin.on('data', onData);
    stdin.resume();
  });
}

async function ask({ stdin, stderr }: Terminal): Promise<string> {
  stderr.write('Token (it is not shown): ');
  try {
    return await readHidden(stdin);
  } finally {
    stderr.write('\n');
  }
}

/** A token as people paste it: with the header's name and scheme in front, or a line break behind. */
function withoutHeader(text: string): string {
  let token = text.trim();
  for (const prefix of ['authorization:', 'bearer ']) {
    if (token.slice(0, prefix.length).toLowerCase() === prefix) token = token.slice(prefix.length).trim();
  }
  return token;
}

/**
 * The token: the argument, or what is piped in, or what is typed at the prompt.
 *
 * @throws UsageError where there is none
 */
export async function readTokenText(argument: string | undefined, terminal: Terminal): Promise<string> {
  const text = argument ?? (await (terminal.stdin.isTTY === true ? ask(terminal) : readAll(terminal.stdin)));
  const token = withoutHeader(text);
  if (token === '')
    throw new UsageError('There is no token: give it as an argument, on standard input, or at the prompt.');
  return token;
}
