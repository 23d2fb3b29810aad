import { createRequire } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const require = createRequire(import.meta.url);
const { exports: entries } = require('microsoft-identity-decorators/package.json') as { exports: object };
const names = Object.keys(entries)
  .filter((entry) => entry !== './package.json')
  .map((entry) => entry.replace(/^\./, 'microsoft-identity-decorators'));

const nameOnly = (entry: string, exported: readonly string[]) =>
  `import { ${exported.join(', ')} } from '${entry}';\n${exported.map((name) => `${name};`).join('\n')}`;

const call = `import { protect } from 'microsoft-identity-decorators/fetch';
import { createMicrosoftIdentity, OnBehalfOf, onBehalfOf, RequiresRole, ValidateScope } from 'microsoft-identity-decorators/nestjs';
export const partners = createMicrosoftIdentity({});
ValidateScope('read');
RequiresRole('Admin', 'Editor');
OnBehalfOf('graph');
onBehalfOf('graph');
protect({}, (request) => Response.json(request.url));
partners.ValidateScope('read');
partners.OnBehalfOf('graph');
`;

const root = join(import.meta.dirname, '..');
const folder = join(root, 'spec/support');

/** The files of an editor: one calls, and one for each entry names what it exports. Declarations are those of the package. */
async function filesBy(extension: string): Promise<ReadonlyMap<string, string>> {
  const ofEntries = names.map(async (entry, index) => {
    const exported = Object.keys((await import(entry)) as object);
    return [join(folder, `entry-${String(index)}.${extension}`), nameOnly(entry, exported)] as const;
  });
  return new Map([...(await Promise.all(ofEntries)), [join(folder, `call.${extension}`), call] as const]);
}

function editorOf(files: ReadonlyMap<string, string>): ts.LanguageService {
  const textOf = (file: string) => files.get(file) ?? ts.sys.readFile(file);
  return ts.createLanguageService({
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    directoryExists: (path) => ts.sys.directoryExists(path),
    getDirectories: (path) => ts.sys.getDirectories(path),
    realpath: (path) => ts.sys.realpath?.(path) ?? path,
    getCompilationSettings: () => ({
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      strict: true,
      types: ['node'],
    }),
    getScriptFileNames: () => [...files.keys()],
    getScriptVersion: () => '1',
    getScriptSnapshot(file) {
      const text = textOf(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    getCurrentDirectory: () => folder,
    fileExists: (file) => textOf(file) !== undefined,
    readFile: textOf,
  });
}

describe.each(['mts', 'cts'])('what an editor shows of the package in a file .%s', async (extension) => {
  const files = await filesBy(extension);
  const editor = editorOf(files);

  /** What is shown at the beginning of a line. */
  function shownAt(file: string, line: string, member = '') {
    const start = String(files.get(file)).indexOf(`\n${line}`) + 1 + member.length;
    const info = editor.getQuickInfoAtPosition(file, start);
    return {
      signature: ts.displayPartsToString(info?.displayParts).replace(/\n.*/s, ''),
      documentation: ts.displayPartsToString(info?.documentation),
      tags: (info?.tags ?? []).map(({ name }) => name),
    };
  }

  it.each(names.map((entry, index) => [entry, index] as const))('documents each value of %s', (_entry, index) => {
    const file = join(folder, `entry-${String(index)}.${extension}`);
    const exported = String(files.get(file)).split('\n').slice(1);
    expect(exported.length).toBeGreaterThan(2);
    expect(exported.filter((name) => shownAt(file, name).documentation === '')).toEqual([]);
  });

  it('finds no error in any declaration', () => {
    const declarations =
      editor
        .getProgram()
        ?.getSourceFiles()
        .map(({ fileName }) => fileName) ?? [];
    const ours = declarations.filter((file) => file.startsWith(join(root, 'dist')));
    expect(ours.length).toBeGreaterThan(names.length);
    const problems = ours.flatMap((file) => editor.getSemanticDiagnostics(file));
    // A link of a comment may name what the file does not import.
    const inCode = problems.filter(
      ({ file, start = 0 }) => !/\n\s*\/?\*[^\n]*$/.test(String(file?.text.slice(0, start))),
    );
    expect(inCode.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([]);
  });

  const calls = join(folder, `call.${extension}`);

  it('names the parameters of a decorator by words, and documents them at a call', () => {
    expect(shownAt(calls, 'ValidateScope(')).toEqual({
      signature: '(alias) ValidateScope(scope: string, ...orScopes: string[]): RequirementDecorator',
      documentation: expect.stringContaining('Requires any of the scopes.') as string,
      tags: ['param', 'param', 'throws'],
    });
    expect(shownAt(calls, 'RequiresRole(').signature).toBe(
      '(alias) RequiresRole(role: string, ...orRoles: string[]): RequirementDecorator',
    );
  });

  it.each([
    ['OnBehalfOf(', '', 'Fills a parameter', ['param', 'throws']],
    ['onBehalfOf(', '', 'An API, called on behalf', ['param', 'param', 'returns', 'throws', 'see', 'example']],
    ['protect(', '', 'Puts a gate before', ['param', 'param', 'throws', 'example']],
    ['partners.ValidateScope(', 'partners.', 'Requires any of the scopes.', ['param', 'param', 'throws']],
    ['partners.OnBehalfOf(', 'partners.', 'Fills a parameter', ['param', 'throws']],
  ])('documents the call %s', (line, before, beginning, tags) => {
    const { documentation, tags: shown } = shownAt(calls, line, before);
    expect(documentation.slice(0, beginning.length)).toBe(beginning);
    expect(shown).toEqual(tags);
  });
});
