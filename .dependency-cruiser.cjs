/**
 * The direction of imports, type-only ones included. A file directly in src/ is an entry point:
 *
 *   entry → hosts → { decorators, openapi, downstream } → gate → core;
 *   doctor → decorators, openapi, downstream, gate, core; issuer → testing → core.
 *
 * In core/: ground ← configuration ← issuers ← keys ← token ← access ← pipeline, identity.
 */

/** A folder may import itself and what lies below it, and nothing else of src/. */
const mayImport = (folder, ...below) => ({
  name: `${folder || 'core'}-imports-only-below`,
  comment: `src/${folder} imports itself, ${below.join(', ')} and no other part of src/.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...below].join('|')})/` },
});

const floors = ['configuration', 'issuers', 'keys', 'token', 'access'];
const ground = 'src/core/[^/]+\\.ts$';
const top = 'src/core/(pipeline|identity)\\.ts$';

/** A floor of core/ may import the floors below it. Ground and top are files directly in core/. */
const floorRules = floors.map((floor, index) => ({
  name: `core-${floor}-imports-only-below`,
  severity: 'error',
  from: { path: `^src/core/${floor}/` },
  to: { path: `^src/core/(${floors.slice(index + 1).join('|') || '(?!)'})/|^${top}` },
}));

const hosts = ['express', 'fetch', 'nestjs', 'routing-controllers'];

/** Each framework is imported in one folder. */
const only = (framework, folder) => ({
  name: `one-folder-imports-${framework.replace('/', '-')}`,
  severity: 'error',
  from: { pathNot: folder },
  to: { path: `(^|/)node_modules/${framework}/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved-imports',
      comment: 'A rule says nothing about an import that is not found.',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'entry-points-are-imported-by-no-file',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/[^/]+$' },
    },
    mayImport('core'),
    mayImport('gate', 'core'),
    mayImport('decorators', 'gate', 'core'),
    mayImport('openapi', 'decorators', 'gate', 'core'),
    mayImport('hosts', 'openapi', 'decorators', 'downstream', 'gate', 'core'),
    mayImport('downstream', 'gate', 'core'),
    mayImport('doctor', 'openapi', 'decorators', 'downstream', 'gate', 'core'),
    mayImport('testing', 'core'),
    mayImport('issuer', 'testing', 'core'),
    ...floorRules,
    {
      name: 'core-ground-imports-only-ground',
      severity: 'error',
      from: { path: `^${ground}`, pathNot: `^${top}` },
      to: { path: `^src/core/[^/]+/|^${top}` },
    },
    ...hosts.map((host) => ({
      name: `host-${host}-imports-no-other-host`,
      severity: 'error',
      from: { path: `^src/hosts/${host}/` },
      to: { path: `^src/hosts/(${hosts.filter((other) => other !== host).join('|')})/` },
    })),
    {
      name: 'files-of-all-hosts-import-no-host',
      severity: 'error',
      from: { path: '^src/hosts/[^/]+\\.ts$' },
      to: { path: '^src/hosts/[^/]+/' },
    },
    ...['doctor', 'issuer'].map((command) => ({
      name: `only-bin-imports-the-${command}`,
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${command}/|bin\\.ts$)` },
      to: { path: `^src/${command}/` },
    })),
    {
      name: 'core-uses-chosen-packages',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^node_modules/', pathNot: '^node_modules/(jose|decoders|lru\\.min|@azure/msal-node|@types)/' },
    },
    {
      name: 'no-package-above-core',
      comment: 'Frameworks are for hosts; all else lives on Node alone.',
      severity: 'error',
      from: { path: '^src/(gate|decorators|openapi|doctor|issuer)/' },
      to: { path: '^node_modules/', pathNot: '^node_modules/@types/' },
    },
    {
      name: 'only-download-does-io',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^(node:)?(http|https|fs|net|dns|tls|child_process)$' },
    },
    only('jose', '^src/core/jose\\.ts$'),
    only('@azure/msal-node', '^src/(core/msal-node\\.ts$|downstream/)'),
    only('@nestjs', '^src/hosts/nestjs/'),
    only('rxjs', '^src/hosts/nestjs/'),
    only('@modelcontextprotocol', '^src/hosts/fetch/'),
    only('routing-controllers', '^src/hosts/routing-controllers/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
