/**
 * What the documents say is true of what is built: snippets compile and run, links lead somewhere, options and errors
 * are all named. Works on `dist/`, as a user's compiler would; `npm run build` makes it.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestIssuer, type TestIssuer } from '../src/testing.js';
import { environmentOf, variablesRead } from './support/environment-variables.js';
import { docs, readPage, type Page } from './support/pages.js';
import { freePort } from './support/program.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const pages = ['README.md', ...docs.map((name) => `docs/${name}`)].map(readPage);
const readme = readPage('README.md');
const reference = readPage('docs/reference.md');
const blocksIn = (language: string) => pages.flatMap(({ blocks }) => blocks.filter((b) => b.language === language));

// The compiler options the README asks for, checked more closely where that costs a reader nothing.
const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  isolatedModules: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  noEmit: true,
};

/** The place of a snippet in the compiler's eyes: beside package.json, where the package's name is its own. */
const fileOf = (index: number) => join(root, `snippet-${String(index)}.ts`);

/** Checks snippets as files of the package that exist in memory alone. */
function createProgram(snippets: readonly string[]): ts.Program {
  const files = new Map(snippets.map((code, index) => [fileOf(index), code]));
  const host = ts.createCompilerHost(compilerOptions);
  const withSnippets: ts.CompilerHost = {
    ...host,
    getCurrentDirectory: () => root,
    fileExists: (name) => files.has(name) || host.fileExists(name),
    readFile: (name) => files.get(name) ?? host.readFile(name),
    getSourceFile(name, version, ...rest) {
      const code = files.get(name);
      if (code === undefined) return host.getSourceFile(name, version, ...rest);
      return ts.createSourceFile(name, code, version, true);
    },
  };
  return ts.createProgram([...files.keys()], compilerOptions, withSnippets);
}

function problemsOf(program: ts.Program, file: string): string[] {
  return ts.getPreEmitDiagnostics(program, program.getSourceFile(file)).map((diagnostic) => {
    const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
    return `line ${String(line + 1)}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`;
  });
}

/** What a module exports. */
class Exports {
  readonly #checker: ts.TypeChecker;
  readonly #symbols: readonly ts.Symbol[];

  constructor(program: ts.Program, file: string) {
    this.#checker = program.getTypeChecker();
    const source = program.getSourceFile(file);
    const module = source && this.#checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${file} is no module.`);
    this.#symbols = this.#checker
      .getExportsOfModule(module)
      .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol));
  }

  /** The names of what is there at run time. */
  get values(): readonly string[] {
    return this.#symbols.filter(({ flags }) => flags & ts.SymbolFlags.Value).map(({ name }) => name);
  }

  /** The names of an interface's members. */
  membersOf(type: string): readonly string[] {
    return this.#declared(type)
      .getProperties()
      .map(({ name }) => name);
  }

  /** The strings a union is made of. */
  wordsOf(type: string): readonly string[] {
    const declared = this.#declared(type);
    return (declared.isUnion() ? declared.types : []).flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
  }

  #declared(type: string): ts.Type {
    const symbol = this.#symbols.find(({ name }) => name === type);
    if (symbol === undefined) throw new Error(`${type} is not exported.`);
    return this.#checker.getDeclaredTypeOfSymbol(symbol);
  }
}

interface Packed {
  readonly files: readonly { readonly path: string }[];
}

/** The files that npm puts into the package. */
const packed = (
  JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as readonly Packed[]
).flatMap(({ files }) => files.map(({ path }) => path));

// A spec of a project of `nest new` imports the app beside it. spec/consumers/pages.matrix.ts compiles and runs it there.
const snippets = blocksIn('ts').filter(({ code }) => !code.includes("from 'supertest'"));
const declarations = join(root, 'dist/esm/index.d.ts');
const testingDeclarations = join(root, 'dist/esm/testing.d.ts');
let program: ts.Program;

// Two of those we help to leave, and the SDK of MCP, declare another type for `request.auth`, for the whole of a program.
const isApart = (code: string) => /from '(express-(jwt|oauth2-jwt-bearer)|@modelcontextprotocol)/.test(code);

beforeAll(() => {
  if (!existsSync(declarations)) throw new Error('dist/ is missing: run `npm run build` first.');
  // The package's own entries are named too, so that what they export can be read off them.
  const entries = ['microsoft-identity-decorators', 'microsoft-identity-decorators/testing'];
  const codes = snippets.map(({ code }) => (isApart(code) ? '' : code));
  program = createProgram([...codes, ...entries.map((name) => `import '${name}';`)]);
});

describe('snippets', () => {
  it.each(snippets.map(({ place, code }, index) => ({ place, code, index })))('compile: $place', ({ code, index }) => {
    const problems = isApart(code) ? problemsOf(createProgram([code]), fileOf(0)) : problemsOf(program, fileOf(index));
    expect(problems).toEqual([]);
  });

  it('are told from wrong ones', () => {
    const wrong = "import { ValidateScope } from 'microsoft-identity-decorators';\nValidateScope();\n";
    expect(problemsOf(createProgram([wrong]), fileOf(0))).toEqual([expect.stringContaining('line 2: Expected')]);
  });

  it.each(blocksIn('json'))('are JSON: $place', ({ code }) => {
    expect(() => JSON.parse(code) as unknown).not.toThrow();
  });

  it.each(blocksIn('js'))('are JavaScript: $place', ({ code }) => {
    const { diagnostics } = ts.transpileModule(code, {
      compilerOptions: { ...compilerOptions, allowJs: true },
      fileName: 'snippet.js',
      reportDiagnostics: true,
    });
    expect(diagnostics).toEqual([]);
  });

  it.each(blocksIn('sh'))('are commands that a shell can read: $place', ({ code }) => {
    // What a reader fills in: <tenant id>.
    const filledIn = code.replace(/<[^<>\n]+>(?!&)/g, (hint) => (hint.includes(' < ') ? hint : 'filled-in'));
    const { status, stderr } = spawnSync('sh', ['-n'], { input: filledIn, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });

  it.each(blocksIn('sh').filter(({ place }) => packed.includes(place.split(':')[0] ?? '')))(
    'have no comment in a command, which zsh does not take at its prompt: $place',
    ({ code }) => {
      expect(code).not.toMatch(/(^|\s)#/m);
    },
  );

  it('are in languages that a spec reads, but for output and other people’s code', () => {
    const languages = new Set(pages.flatMap(({ blocks }) => blocks.map(({ language }) => language)));
    const notRead = ['http', 'python', 'text'];
    expect([...languages].sort()).toEqual(['dockerfile', 'js', 'json', 'sh', 'ts', ...notRead].sort());
  });
});

/** Runs a snippet as it stands, in a process of its own at the root of the package: nothing is written anywhere. */
function run(code: string, environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { ...compilerOptions, module: ts.ModuleKind.ES2022, noEmit: false },
  });
  const child = spawn(process.execPath, ['--input-type=module', '-'], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(outputText);
  return child;
}

/** All that a process says, from now on. */
function outputOf(child: ChildProcess): { text: string } {
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output.text += chunk.toString();
    });
  }
  return output;
}

describe('the quick start', () => {
  let issuer: TestIssuer;
  let child: ChildProcess;
  let url: string;
  let start: () => ChildProcess;

  beforeAll(async () => {
    const quickStart = readme.text.slice(readme.text.indexOf('\n## Quick start\n'));
    const code = readme.blocks.find((block) => block.language === 'ts' && quickStart.includes(block.code))?.code ?? '';
    issuer = await startTestIssuer();
    const port = await freePort();
    url = `http://localhost:${String(port)}/api/weather/Oslo`;
    const environment = environmentOf(port, issuer.options);
    start = () => run(code, environment);
    child = start();
    const output = outputOf(child);
    await new Promise<void>((listening, fail) => {
      child.stdout?.once('data', () => {
        listening();
      });
      child.once('exit', () => {
        fail(new Error(`The quick start ended: ${output.text}`));
      });
    });
  });

  afterAll(async () => {
    child.kill();
    await issuer.close();
  });

  const get = (token?: string) =>
    fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });

  it('answers a caller with the scope', async () => {
    const response = await get(await issuer.token({ oid: 'ada' }));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ city: 'Oslo', celsius: 21, askedBy: 'ada' });
  });

  it('refuses a caller without a token', async () => {
    const response = await get();
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('refuses a caller without the scope', async () => {
    const response = await get(await issuer.token({ scp: 'profile' }));
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain('scope="access_as_user"');
  });

  it('refuses an expired token as the list of errors says', async () => {
    const response = await get(await issuer.token({ exp: 1 }));
    expect(response.status).toBe(401);
    const [example] = readPage('docs/errors.md').blocks;
    expect(await response.json()).toEqual(JSON.parse(example?.code ?? ''));
  });

  it('fails where its port is in use', async () => {
    const second = start();
    const output = outputOf(second);
    const [status] = (await once(second, 'close')) as [number | null];
    expect(status).toBe(1);
    expect(output.text).toMatch(/^listen EADDRINUSE: address already in use \S+\. Set PORT to another one\.\n$/);
  });
});

describe('docs/testing.md', () => {
  it.each(readPage('docs/testing.md').blocks.filter(({ language }) => language === 'ts'))(
    'runs: $place',
    async ({ code }) => {
      const child = run(code);
      const output = outputOf(child);
      const [status] = (await once(child, 'close')) as [number | null];
      expect({ status, output: output.text }).toEqual({ status: 0, output: expect.any(String) as string });
      // `node:test` counts what it ran.
      if (code.includes("'node:test'")) expect(output.text).toMatch(/^# pass [1-9]/m);
    },
  );
});

/** Headings as GitHub turns them into anchors. */
function anchorsOf({ prose }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
    const slug = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${String(count)}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Links to files and headings of this repository. */
function localLinksOf({ path, prose }: Page): readonly { path: string; target: string }[] {
  const text = prose.replace(/`[^`\n]*`/g, '');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/^\[[^\]]+\]: *(\S+)/gm)];
  return targets
    .map(([, target = '']) => ({ path, target }))
    .filter(({ target }) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

describe('links', () => {
  it.each([...pages, readPage('CHANGELOG.md')].flatMap(localLinksOf))('lead somewhere: $path to $target', (link) => {
    const [file = '', anchor] = link.target.split('#');
    const target = file === '' ? link.path : relative(root, resolve(root, dirname(link.path), file));
    expect(existsSync(join(root, target)), `${target} exists`).toBe(true);
    if (anchor !== undefined) expect([...anchorsOf(readPage(target))]).toContain(anchor);
  });
});

describe('links of the package', () => {
  const pagesOfPackage = packed.filter((path) => path.endsWith('.md') && !path.startsWith('dist/'));

  it('are those of README, SECURITY, CHANGELOG and the pages of a user', () => {
    const leftOut = docs.map((name) => `docs/${name}`).filter((path) => !packed.includes(path));
    expect(leftOut).toEqual(['docs/assurance.md', 'docs/compared.md', 'docs/performance.md']);
    expect(pagesOfPackage).toEqual(expect.arrayContaining(['README.md', 'SECURITY.md', 'CHANGELOG.md']));
  });

  it.each(pagesOfPackage)('lead to files of the package: %s', (path) => {
    const targets = localLinksOf(readPage(path)).map(({ target }) => target.split('#')[0] ?? '');
    const files = targets.filter((file) => file !== '').map((file) => join(dirname(path), file));
    expect(files.filter((file) => !packed.includes(file))).toEqual([]);
  });
});

/** The names that a text does not hold, in the form it is expected to hold them. */
function missingFrom(text: string, names: readonly string[], form: (name: string) => RegExp): readonly string[] {
  expect(names).not.toHaveLength(0);
  return names.filter((name) => !form(name).test(text));
}

const asWord = (name: string) => new RegExp(`\\b${name}\\b`);
const asCode = (name: string) => new RegExp(`\`${name}\\b`);
const asRow = (name: string) => new RegExp(`^\\| \`${name}\\b`, 'm');

describe('the README', () => {
  it('has at most 220 lines', () => {
    expect(readme.text.trimEnd().split('\n').length).toBeLessThanOrEqual(220);
  });
});

describe('docs/reference.md', () => {
  it.each([
    { heading: 'option', type: 'IdentityOptions' },
    { heading: 'option of `b2c`', type: 'B2cOptions' },
  ])('has a row for every member of $type, and no other', ({ heading, type }) => {
    const [table = ''] = reference.prose.slice(reference.prose.indexOf(`\n| ${heading} `) + 1).split('\n\n');
    const rows = [...table.matchAll(/^\| `(\w+)` /gm)].map(([, option]) => option);
    expect(rows.sort()).toEqual([...new Exports(program, declarations).membersOf(type)].sort());
  });

  it('names every environment variable', () => {
    const names = [...variablesRead()];
    expect(names).toEqual(
      expect.arrayContaining(['AzureAd__TenantId', 'AzureAdB2C__Policies', 'DownstreamApis__<name>__Scopes']),
    );
    expect(missingFrom(reference.prose, names, asCode)).toEqual([]);
  });

  it('names every error class', () => {
    const errors = new Exports(program, declarations).values.filter((name) => name.endsWith('Error'));
    expect(missingFrom(reference.prose, errors, asCode)).toEqual([]);
  });

  it('names every export, together with the README', () => {
    const names = [declarations, testingDeclarations].flatMap((file) => new Exports(program, file).values);
    expect(missingFrom(readme.text + reference.text, names, asWord)).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  const page = readPage('docs/errors.md');

  it('has a heading for every code and every reason of an invalid token', () => {
    const codes = [...reference.prose.matchAll(/^\| `\w+Error` +\| `(\w+)`/gm)].map(([, code = '']) => code);
    expect(codes).toHaveLength(11);
    const reasons = new Exports(program, declarations).wordsOf('InvalidTokenReason');
    expect([...anchorsOf(page)]).toEqual(expect.arrayContaining([...codes, ...reasons]));
  });

  it('has a row for every reason of an insufficient scope', () => {
    const reasons = new Exports(program, declarations).wordsOf('InsufficientScopeReason');
    expect(missingFrom(page.prose, reasons, asRow)).toEqual([]);
  });
});

describe('docs/testing.md lists', () => {
  const { prose } = readPage('docs/testing.md');

  it.each([
    { type: 'TestIssuer', form: asWord },
    { type: 'TestIssuerSettings', form: asCode },
    { type: 'Fault', form: asRow },
  ])('every member of $type', ({ type, form }) => {
    const members = new Exports(program, testingDeclarations).membersOf(type);
    expect(missingFrom(prose, members, form)).toEqual([]);
  });
});

describe('commands', () => {
  it('are scripts of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const mentioned = [...pages, readPage('CHANGELOG.md')].flatMap(({ text }) =>
      [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(([, script, short]) => script ?? short ?? ''),
    );
    expect(mentioned).toContain('start');
    for (const name of mentioned) expect(Object.keys(scripts)).toContain(name);
  });

  const own = blocksIn('sh').flatMap(({ place, code }) =>
    [...code.replaceAll('\\\n', ' ').matchAll(/^npx microsoft-identity-decorators (doctor .+)$/gm)].map(
      ([, command = '']) => ({
        place,
        command,
      }),
    ),
  );

  it.each(own)('of the doctor are understood: $place', ({ command }) => {
    const guid = '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2';
    // The command line is read first. A module or a token that is not here is found to be missing later.
    const [line = ''] = command.replace(/<[^<>]+ id>/g, guid).split(/ [<|>#] /);
    const { stdout, stderr } = spawnSync('node', ['dist/esm/bin.js', ...line.trim().split(/\s+/)], {
      cwd: root,
      input: '',
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(`${stdout}${stderr}`).not.toMatch(/usage:|unknown option|only command/i);
  });
});
