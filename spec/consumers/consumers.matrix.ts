/** Installs the packed library as its users do, and does its main job under each toolchain they have. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execute, install, packInto } from './consumer.js';

const root = join(import.meta.dirname, '..', '..');
let folder: string;
let tarballName: string;

const packages = [
  '@types/express@5',
  '@types/node@20',
  'class-transformer@0.5',
  'class-validator@0.14',
  'express@5',
  'express4@npm:express@4',
  'reflect-metadata@0.2',
  'routing-controllers@0.11',
  'routing-controllers-openapi@5',
  'typescript59@npm:typescript@5.9',
  'typescript6@npm:typescript@6',
  'typescript7@npm:typescript@7',
  '@swc/core@1',
  'esbuild@0.28',
  'tsx@4',
  'jest@30',
  'vitest@4',
  'node22@npm:node@22',
  'node24@npm:node@24',
  'node26@npm:node@26',
];

const inFolder = (...path: string[]) => join(folder, ...path);
const binary = (name: string, file: string) => inFolder('node_modules', name, file);

const nodes = {
  'Node 20': () => process.execPath,
  'Node 22': () => binary('node22', 'bin/node'),
  'Node 24': () => binary('node24', 'bin/node'),
  'Node 26': () => binary('node26', 'bin/node'),
};

const formats = ['esm', 'cjs'] as const;

const copyProject = (to: string, name: string) =>
  cp(join(import.meta.dirname, 'project', `${name}.ts`), inFolder(to, `${name}.ts`));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consumers-'));
  tarballName = await packInto(folder);
  const tarball = `./${tarballName}`;
  await writeFile(inFolder('package.json'), '{ "private": true }\n');
  // The npm packages of Node fetch their binary in an install script.
  await install(folder, '--foreground-scripts', tarball, ...packages);
  for (const format of formats) {
    await mkdir(inFolder(format));
    const type = format === 'esm' ? 'module' : 'commonjs';
    await writeFile(inFolder(format, 'package.json'), JSON.stringify({ type }));
    await copyProject(format, 'weather');
    await copyProject(format, 'downstream');
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const expected = {
  answers: [
    [401, 'Bearer', { error: 'missing_token', error_description: 'This request needs an access token.' }],
    [200, null, { city: 'Oslo', isSame: true, scp: 'access_as_user' }],
    [
      403,
      'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", scope="access_as_user"',
      {
        error: 'insufficient_scope',
        error_description: 'The access token does not carry the scope this request needs.',
      },
    ],
    [401, 'Bearer', { error: 'missing_token', error_description: 'This request needs an access token.' }],
    [200, null, { city: 'Oslo', sky: 'clear', roles: ['Admin'] }],
  ],
  claims: { city: 'Oslo', isSame: true, scp: 'access_as_user' },
  isAuthError: true,
};

async function expectMainJob(command: string, parameters: readonly string[], env: Record<string, string> = {}) {
  const outcome = await execute(command, parameters, { env: { ...process.env, ...env } });
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(outcome.stdout)).toEqual(expected);
}

interface CompilerOptions {
  readonly module: string;
  readonly moduleResolution: string;
}

/** Writes a tsconfig of its own for one run of a compiler. */
async function writeProject(
  format: string,
  name: string,
  options: object,
  files: readonly string[] = ['weather.ts'],
): Promise<string> {
  const file = inFolder(format, `tsconfig.${name}.json`);
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    esModuleInterop: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: false,
    types: ['node'],
    ...options,
  };
  await writeFile(file, JSON.stringify({ compilerOptions, files }));
  return file;
}

/** What a compiler finds. What other libraries' declarations get wrong is theirs. */
async function problemsIn(project: string, typescript: string): Promise<string[]> {
  const { stdout } = await execute(process.execPath, [binary(typescript, 'bin/tsc'), '-p', project]);
  return stdout.split('\n').filter((line) => /(weather|downstream)\.ts|microsoft-identity-decorators/.test(line));
}

const typescripts = ['typescript59', 'typescript6', 'typescript7'];
const modes: readonly [string, 'esm' | 'cjs', CompilerOptions][] = [
  ['node16', 'esm', { module: 'node16', moduleResolution: 'node16' }],
  ['node16', 'cjs', { module: 'node16', moduleResolution: 'node16' }],
  ['nodenext', 'esm', { module: 'nodenext', moduleResolution: 'nodenext' }],
  ['nodenext', 'cjs', { module: 'nodenext', moduleResolution: 'nodenext' }],
  ['bundler', 'esm', { module: 'esnext', moduleResolution: 'bundler' }],
];

describe.each(typescripts)('%s', (typescript) => {
  it.each(modes)('checks a consumer under %s, %s, libraries included', async (mode, format, options) => {
    const name = `${typescript}-${mode}`;
    const files = ['weather.ts', 'downstream.ts'];
    const project = await writeProject(format, name, { ...options, outDir: name }, files);
    expect(await problemsIn(project, typescript)).toEqual([]);
    await expectMainJob(process.execPath, [inFolder(format, name, 'weather.js')]);
  });
});

describe('without experimentalDecorators', () => {
  it('is told by the compiler that a decorator does not fit', async () => {
    const project = await writeProject('esm', 'standard', {
      module: 'nodenext',
      moduleResolution: 'nodenext',
      experimentalDecorators: false,
      emitDecoratorMetadata: false,
      noEmit: true,
    });
    const { status, stdout } = await execute(process.execPath, [binary('typescript6', 'bin/tsc'), '-p', project]);
    expect(status).not.toBe(0);
    expect(stdout).toMatch(/weather\.ts\(\d+,\d+\): error TS(1241|1270|1238|1206)/);
  });
});

describe.each(Object.entries(nodes))('%s', (_, node) => {
  it.each([
    ['esm', 'express'],
    ['esm', 'express4'],
    ['cjs', 'express'],
    ['cjs', 'express4'],
  ])('does the main job as %s on %s', async (format, express) => {
    await expectMainJob(node(), [inFolder(format, 'typescript6-nodenext', 'weather.js')], { EXPRESS: express });
  });

  it('does the main job where ES modules cannot be required', async () => {
    const flags = node === nodes['Node 20'] ? [] : ['--no-experimental-require-module'];
    await expectMainJob(node(), [...flags, inFolder('cjs', 'typescript6-nodenext', 'weather.js')]);
  });
});

describe('class-validator', () => {
  it('works beside it, with the metadata that tsc emits', async () => {
    await expectMainJob(process.execPath, [inFolder('cjs', 'typescript6-nodenext', 'weather.js')], {
      VALIDATION: 'on',
    });
  });
});

type Format = (typeof formats)[number];

/** Compiles `<name>.ts` of a folder, and returns the file to run. */
type Compile = (format: Format, folderOfProject: string, name: string) => Promise<string>;

const bySwc: Compile = async (format, folderOfProject, name) => {
  const swc = (await import(binary('@swc/core', 'index.js'))) as {
    default: { transformFile(file: string, options: object): Promise<{ code: string }> };
  };
  const { code } = await swc.default.transformFile(inFolder(folderOfProject, `${name}.ts`), {
    swcrc: false,
    module: { type: format === 'esm' ? 'nodenext' : 'commonjs', ignoreDynamic: true },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  });
  const output = inFolder(folderOfProject, `${name}.swc.js`);
  await writeFile(output, code);
  return output;
};

const byEsbuild: Compile = async (format, folderOfProject, name) => {
  const output = inFolder(folderOfProject, `${name}.esbuild.js`);
  const tsconfig = '--tsconfig-raw={"compilerOptions":{"experimentalDecorators":true}}';
  const { status, stderr } = await execute(binary('esbuild', 'bin/esbuild'), [
    inFolder(folderOfProject, `${name}.ts`),
    `--format=${format}`,
    '--platform=node',
    tsconfig,
    `--outfile=${output}`,
  ]);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  return output;
};

const byTsc: Compile = async (_, folderOfProject, name) => {
  const options = { module: 'nodenext', moduleResolution: 'nodenext', outDir: 'out' };
  const project = await writeProject(folderOfProject, name, options, [`${name}.ts`]);
  expect(await problemsIn(project, 'typescript6')).toEqual([]);
  return inFolder(folderOfProject, 'out', `${name}.js`);
};

/** What runs a TypeScript file as it is, without metadata of its decorators. */
async function withTsx(folderOfProject: string, name: string): Promise<readonly string[]> {
  const options = { module: 'nodenext', moduleResolution: 'nodenext' };
  const project = await writeProject(folderOfProject, 'tsx', options, [`${name}.ts`]);
  return [binary('tsx', 'dist/cli.mjs'), '--tsconfig', project, inFolder(folderOfProject, `${name}.ts`)];
}

describe.each(formats)('compiled to %s', (format) => {
  it('by swc', async () => {
    await expectMainJob(process.execPath, [await bySwc(format, format, 'weather')]);
  });

  it('by esbuild, which emits no metadata', async () => {
    await expectMainJob(process.execPath, [await byEsbuild(format, format, 'weather')]);
  });

  it('by tsx, on the fly', async () => {
    await expectMainJob(process.execPath, await withTsx(format, 'weather'));
  });
});

const answersOfDownstream = {
  answers: [
    [200, { oid: 'ada', isClass: true }],
    [200, { oid: 'ada' }],
    [200, { roles: ['access_as_app'] }],
  ],
  faked: { oid: 'eve' },
};

async function expectDownstreamJob(parameters: readonly string[]) {
  const { stdout, stderr } = await execute(process.execPath, parameters);
  expect([stderr, stdout && JSON.parse(stdout)]).toEqual(['', answersOfDownstream]);
}

describe.each(['3.8', '5', '7'])('msal-node %s', (release) => {
  const own = (format: Format) => join(`msal${release}`, format);

  beforeAll(async () => {
    for (const format of formats) {
      await mkdir(inFolder(own(format)), { recursive: true });
      await copyProject(own(format), 'downstream');
      const type = format === 'esm' ? 'module' : 'commonjs';
      await writeFile(inFolder(own(format), 'package.json'), JSON.stringify({ type }));
    }
    const parent = inFolder(`msal${release}`);
    await writeFile(join(parent, 'package.json'), '{ "private": true }\n');
    // The other packages are found in the folder above.
    await install(parent, '--omit=peer', join('..', tarballName), `@azure/msal-node@${release}`);
  });

  it.each(formats)('calls other APIs, as %s', async (format) => {
    await expectDownstreamJob([await byTsc(format, own(format), 'downstream')]);
  });

  it.each(formats)('calls other APIs, compiled to %s by swc, esbuild and tsx', async (format) => {
    await expectDownstreamJob([await bySwc(format, own(format), 'downstream')]);
    await expectDownstreamJob([await byEsbuild(format, own(format), 'downstream')]);
    await expectDownstreamJob(await withTsx(own(format), 'downstream'));
  });
});

describe('without msal-node', () => {
  it.each(formats)('an application that calls other APIs is told what to install, as %s', async (format) => {
    const { stdout, stderr } = await execute(process.execPath, [await byTsc(format, format, 'downstream')]);
    const message =
      'The option downstream needs the package @azure/msal-node, which could not be loaded. Run: npm install @azure/msal-node';
    expect(JSON.parse(stdout)).toEqual({
      missing: message,
      answers: Array.from({ length: 3 }, () => [500, { error: 'server_error' }]),
      faked: answersOfDownstream.faked,
    });
    expect(stderr).toContain(`[invalid_configuration] MicrosoftIdentityWarning: ${message}`);
  });
});

describe("Node's own type stripping", () => {
  it.each(['Node 24', 'Node 26'] as const)('ends in a clear error on %s: it knows no decorators', async (name) => {
    const { status, stderr } = await execute(nodes[name](), [inFolder('esm', 'weather.ts')]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('SyntaxError');
  });
});

const unitTest = (imports: string) => `${imports}
const deco = (decorators, prototype, name) => {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  for (const decorator of decorators) decorator(prototype, name, descriptor);
  Object.defineProperty(prototype, name, descriptor);
};
class Controller { report(city) { return { city, scp: library.getTokenClaims().scp }; } }
deco([library.ValidateScope('access_as_user')], Controller.prototype, 'report');
test('is shut, and opens inside runAs', () => {
  let code;
  try { new Controller().report('Oslo'); } catch (error) { code = error.code; }
  const report = testing.runAs({ scp: 'access_as_user' }, () => new Controller().report('Oslo'));
  if (code !== 'invalid_configuration' || report.city !== 'Oslo' || report.scp !== 'access_as_user') throw new Error(code);
});
`;
const required = `const library = require('microsoft-identity-decorators');
const testing = require('microsoft-identity-decorators/testing');`;
const imported = `import * as library from 'microsoft-identity-decorators';
import * as testing from 'microsoft-identity-decorators/testing';`;

describe('test runners', () => {
  it('Jest, with its defaults', async () => {
    await mkdir(inFolder('jest'), { recursive: true });
    await writeFile(inFolder('jest', 'package.json'), '{ "jest": {} }');
    await writeFile(inFolder('jest', 'controller.test.js'), unitTest(required));
    const { status, stderr } = await execute(process.execPath, [binary('jest', 'bin/jest.js')], {
      cwd: inFolder('jest'),
    });
    expect([status, stderr]).toEqual([0, expect.stringContaining('1 passed')]);
  });

  it('Vitest', async () => {
    await mkdir(inFolder('vitest'), { recursive: true });
    await writeFile(inFolder('vitest', 'package.json'), '{ "type": "module" }');
    const text = unitTest(`import { test } from 'vitest';\n${imported}`);
    await writeFile(inFolder('vitest', 'controller.test.js'), text);
    const { status, stdout } = await execute(process.execPath, [binary('vitest', 'vitest.mjs'), 'run'], {
      cwd: inFolder('vitest'),
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining('1 passed')]);
  });

  it.each(formats)('node:test, %s', async (format) => {
    const text =
      format === 'esm'
        ? unitTest(`import { test } from 'node:test';\n${imported}`)
        : unitTest(`const { test } = require('node:test');\n${required}`);
    await writeFile(inFolder(format, 'controller.test.js'), text);
    const { status } = await execute(process.execPath, ['--test', inFolder(format, 'controller.test.js')]);
    expect(status).toBe(0);
  });
});

describe.each(['11', '12'])('NestJS %s', (release) => {
  it('does the main job', async () => {
    const own = inFolder(`nest${release}`);
    await mkdir(own);
    await writeFile(join(own, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const nest = ['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@${release}`);
    const others = [join('..', tarballName), 'reflect-metadata@0.2', 'rxjs@7', '@types/node@20'];
    await install(own, ...others, ...nest);
    await cp(join(import.meta.dirname, 'project', 'nest.ts'), join(own, 'weather.ts'));
    const project = await writeProject(`nest${release}`, 'nest', {
      module: 'nodenext',
      moduleResolution: 'nodenext',
      outDir: 'out',
    });
    expect(await problemsIn(project, 'typescript6')).toEqual([]);
    const { stdout, stderr } = await execute(process.execPath, [join(own, 'out', 'weather.js')]);
    expect([stderr, stdout && JSON.parse(stdout)]).toEqual([
      '',
      [expected.answers[0], [200, null, { city: 'Oslo', scp: 'access_as_user' }], expected.answers[2]],
    ]);
  });
});

describe('hosts of Fetch', () => {
  it('do the main job: Hono, Next.js and Azure Functions', async () => {
    const own = inFolder('fetch');
    await mkdir(own);
    await writeFile(join(own, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const hosts = ['hono@4', '@hono/node-server@2', '@azure/functions@4', 'next@16', 'react@19', 'react-dom@19'];
    // What Next.js builds with is optional, and large. Its handlers are called as it calls them.
    await install(own, '--omit=optional', join('..', tarballName), '@types/node@20', ...hosts);
    await cp(join(import.meta.dirname, 'project', 'fetch.ts'), join(own, 'weather.ts'));
    const project = await writeProject('fetch', 'fetch', {
      module: 'nodenext',
      moduleResolution: 'nodenext',
      outDir: 'out',
    });
    const { stdout: problems } = await execute(process.execPath, [binary('typescript6', 'bin/tsc'), '-p', project]);
    expect(problems).toBe('');
    const { stdout, stderr } = await execute(process.execPath, [join(own, 'out', 'weather.js')]);
    const passed = { city: 'Oslo', scp: 'access_as_user' };
    const answersWith = (body: object) => [expected.answers[0], [200, null, body], expected.answers[2]];
    expect([stderr, stdout && JSON.parse(stdout)]).toEqual([
      '',
      {
        Hono: answersWith(passed),
        'Hono, decorated': answersWith({ ...passed, isSame: true }),
        'Next.js': answersWith({ ...passed, isNext: true }),
        'Azure Functions': answersWith(passed),
      },
    ]);
  });
});

describe('plain Express', () => {
  it.each(formats)('does the main job without routing-controllers, %s', async (format) => {
    const load = (name: string) =>
      format === 'esm' ? `await import('${name}')` : `await Promise.resolve(require('${name}'))`;
    await writeFile(
      inFolder(format, 'plain.js'),
      `(async () => {
  const { createServer } = ${load('node:http')};
  const { initialize, requiresAuth, requiresScope } = ${load('microsoft-identity-decorators/express')};
  const { startTestIssuer } = ${load('microsoft-identity-decorators/testing')};
  const loaded = ${load('express')};
  const express = loaded.default ?? loaded;
  const issuer = await startTestIssuer();
  initialize(issuer.options);
  const app = express();
  app.get('/', requiresAuth(), requiresScope('access_as_user'), (request, response) => response.json(request.auth.scp));
  const server = createServer(app).listen(0, '127.0.0.1', async () => {
    const url = 'http://127.0.0.1:' + server.address().port;
    const anonymous = await fetch(url);
    const authorization = 'Bearer ' + (await issuer.token());
    const known = await fetch(url, { headers: { authorization } });
    console.log(JSON.stringify([anonymous.status, known.status, await known.json()]));
    server.close();
    server.closeAllConnections();
    await issuer.close();
  });
})();
`,
    );
    const { stdout, stderr } = await execute(process.execPath, [inFolder(format, 'plain.js')]);
    expect([stderr, stdout && JSON.parse(stdout)]).toEqual(['', [401, 200, 'access_as_user']]);
  });
});

describe('one process', () => {
  it('shares configuration and errors between ES modules and CommonJS', async () => {
    await writeFile(
      inFolder('esm', 'mixed.mjs'),
      `import { createRequire } from 'node:module';
import * as imported from 'microsoft-identity-decorators';
import { runAs } from 'microsoft-identity-decorators/testing';
const required = createRequire(import.meta.url)('microsoft-identity-decorators');
const claims = runAs({ oid: 'somebody' }, () => required.getTokenClaims());
let error;
try { required.getTokenClaims(); } catch (thrown) { error = thrown; }
console.log(JSON.stringify([imported === required, claims.oid, error instanceof imported.AuthError]));
`,
    );
    const { stdout } = await execute(process.execPath, [inFolder('esm', 'mixed.mjs')]);
    expect(JSON.parse(stdout)).toEqual([false, 'somebody', true]);
  });
});

describe('routing-controllers-openapi', () => {
  it('describes the routes as it does without us', async () => {
    await writeFile(
      inFolder('cjs', 'openapi.cjs'),
      `require('reflect-metadata');
const { Get, JsonController, getMetadataArgsStorage } = require('routing-controllers');
const { routingControllersToSpec } = require('routing-controllers-openapi');
const { RequiresAuth, TokenClaims } = require('microsoft-identity-decorators');
class WeatherController { report() {} }
const { prototype } = WeatherController;
TokenClaims()(prototype, 'report', 0);
const descriptor = Object.getOwnPropertyDescriptor(prototype, 'report');
RequiresAuth()(prototype, 'report', descriptor);
Object.defineProperty(prototype, 'report', descriptor);
Get('/report')(prototype, 'report');
JsonController('/weather')(WeatherController);
const spec = routingControllersToSpec(getMetadataArgsStorage());
console.log(JSON.stringify([Object.keys(spec.paths), spec.paths['/weather/report'].get.parameters ?? []]));
`,
    );
    const { stdout, stderr } = await execute(process.execPath, [inFolder('cjs', 'openapi.cjs')]);
    expect([stderr, stdout && JSON.parse(stdout)]).toEqual(['', [['/weather/report'], []]]);
  });
});

describe('the tarball', () => {
  it('is what publint expects of a package', async () => {
    const { publint } = await import('publint');
    const { messages } = await publint({ pkgDir: join(root), strict: true });
    expect(messages).toEqual([]);
  });

  it('is published without a warning', async () => {
    const { status, stderr } = await execute('npm', ['publish', '--dry-run', '--ignore-scripts'], { cwd: root });
    const warnings = stderr.split('\n').filter((line) => /^npm (warn|error)/i.test(line));
    // Whoever runs this is logged in nowhere.
    expect([status, warnings.filter((line) => !line.includes('requires you to be logged in'))]).toEqual([0, []]);
  });

  it('resolves to the right types from everywhere, by attw', async () => {
    const tarball = inFolder(tarballName);
    const attw = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const { status, stdout } = await execute(process.execPath, [attw, tarball, '--no-emoji', '--no-color']);
    expect([status, stdout]).toEqual([0, expect.stringContaining('No problems found')]);
  });
});

/** The bytes of all files in a folder, as npm counts the size of a package. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('the installation', () => {
  it('brings at most 2 MB in at most 5 packages, ours included, and no install scripts of ours', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'consumer-'));
    try {
      await writeFile(join(alone, 'package.json'), '{ "private": true }\n');
      const tarball = inFolder(tarballName);
      // Peers are the application's own.
      await install(alone, '--omit=peer', tarball);
      expect(await bytesIn(join(alone, 'node_modules'))).toBeLessThan(2_000_000);
      const lock = JSON.parse(await readFile(join(alone, 'package-lock.json'), 'utf8')) as {
        packages: Record<string, { hasInstallScript?: boolean }>;
      };
      const installed = Object.entries(lock.packages).filter(([name]) => name !== '');
      expect(installed.length).toBeLessThanOrEqual(5);
      expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
    } finally {
      await rm(alone, { recursive: true, force: true });
    }
  });
});
