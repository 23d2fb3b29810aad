/** The pages of the documentation, and the blocks in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Block {
  /** `README.md:42`: where the block's first line stands. */
  readonly place: string;
  readonly language: string;
  readonly code: string;
}

export interface Page {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text without its fenced blocks. */
  readonly prose: string;
}

export function readPage(path: string): Page {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { readonly fence: string; readonly language: string; readonly line: number; code: string[] } | undefined;
  const text = readFileSync(join(root, path), 'utf8');
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^\s*(`{3,})\s*(\S*)/.exec(line);
    if (open !== undefined) {
      if (fence?.[1] === open.fence && fence[2] === '') {
        blocks.push({ place: `${path}:${String(open.line)}`, language: open.language, code: open.code.join('\n') });
        open = undefined;
      } else open.code.push(line);
    } else if (fence !== null) {
      open = { fence: fence[1] ?? '', language: fence[2] ?? '', line: index + 2, code: [] };
    } else prose.push(line);
  }
  if (open !== undefined) throw new Error(`${path}:${String(open.line)}: the block does not end.`);
  return { path, text, blocks, prose: prose.join('\n') };
}

/** The names of the files in `docs/`. */
export const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
