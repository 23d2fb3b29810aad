/** What the doctor uses of its process, and how it reads a token. */
import type { Readable } from 'node:stream';

/** Where the token is read from: a pipe, or a terminal that can turn its echo off. */
export type Input = Readable & {
  readonly isTTY?: boolean | undefined;
  setRawMode?(isRaw: boolean): unknown;
};

/** Where the doctor writes. */
export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/** What is used of the process. */
export interface Terminal {
  /** The arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The folder that relative paths start from. */
  readonly cwd: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly fetch: typeof globalThis.fetch;
  /** The version of this package. */
  readonly version: () => string;
}

/** The command line is wrong, or cannot be carried out. The message is printed on standard error. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const mostCharacters = 1024 * 1024;

async function readAll(stdin: Input): Promise<string> {
  let text = '';
  stdin.setEncoding('utf8');
  for await (const chunk of stdin) {
    text += String(chunk);
    if (text.length > mostCharacters) throw new UsageError('Standard input is longer than a token.');
  }
  return text;
}

const interrupt = '\u0003';
const endOfInput = '\u0004';
const erasing = ['\b', '\u007f'];

/** Reads a line without an echo. In line mode a terminal cuts a line at 4096 characters, so raw mode is used. */
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

/** The token in a pasted option of curl, or in a command line of it: `-H "Authorization: Bearer eyJ…"`. */
const ofCurl = (text: string) =>
  /^\s*(?:curl\b[^]*?\s|)(?:-H|--header)[\s=]*["']?authorization:\s*([^"']*)/i.exec(text)?.[1];

/** Removes from a pasted token the name and scheme of the header, and white space. */
function withoutHeader(text: string): string {
  let token = ofCurl(text) ?? text.trim();
  for (const prefix of ['authorization:', 'bearer ']) {
    if (token.slice(0, prefix.length).toLowerCase() === prefix) token = token.slice(prefix.length).trim();
  }
  return token;
}

/**
 * The token: the argument, or standard input, or the line typed at the prompt.
 *
 * @throws UsageError if there is none
 */
export async function readTokenText(argument: string | undefined, terminal: Terminal): Promise<string> {
  const text = argument ?? (await (terminal.stdin.isTTY === true ? ask(terminal) : readAll(terminal.stdin)));
  const token = withoutHeader(text);
  if (token === '')
    throw new UsageError('There is no token. Give it as an argument, on standard input, or at the prompt.');
  return token;
}
