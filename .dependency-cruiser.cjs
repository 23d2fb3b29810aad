/** The direction of imports: entry → decorators → core → jose, never upward, never sideways between hosts. */
const only = (name, framework, file) => ({
  name,
  comment: `${framework} is imported in one file alone.`,
  severity: 'error',
  from: { pathNot: file },
  to: { path: `^node_modules/${framework}/` },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-knows-no-one',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/', pathNot: '^src/core/' },
    },
    {
      name: 'decorators-know-core',
      severity: 'error',
      from: { path: '^src/decorators/' },
      to: { path: '^src/', pathNot: '^src/(core|decorators)/' },
    },
    {
      name: 'doctor-knows-core-and-records',
      severity: 'error',
      from: { path: '^src/doctor/' },
      to: { path: '^src/', pathNot: '^src/(core|doctor)/|^src/decorators/records\\.ts$' },
    },
    {
      name: 'nobody-but-bin-knows-the-doctor',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(doctor/|bin\\.ts$)' },
      to: { path: '^src/doctor/' },
    },
    {
      name: 'doctor-uses-no-package',
      severity: 'error',
      from: { path: '^src/doctor/' },
      to: { path: '^node_modules/', pathNot: '^node_modules/@types/' },
    },
    {
      name: 'testing-knows-core',
      severity: 'error',
      from: { path: '^src/testing/' },
      to: { path: '^src/', pathNot: '^src/(core|testing)/' },
    },
    {
      name: 'nobody-imports-an-entry-point',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/[^/]+$' },
    },
    {
      name: 'core-uses-chosen-packages',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^node_modules/', pathNot: '^node_modules/(jose|decoders|lru\\.min|@types)/' },
    },
    {
      name: 'only-download-does-io',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^(node:)?(http|https|fs|net|dns|tls|child_process)$' },
    },
    only('one-jose', 'jose', '^src/core/jose\\.ts$'),
    only('one-nest', '@nestjs', '^src/decorators/nestjs\\.ts$'),
    only('one-rxjs', 'rxjs', '^src/decorators/nestjs\\.ts$'),
    only('one-express', 'express', '^src/decorators/express\\.ts$'),
    only('one-routing-controllers', 'routing-controllers', '^src/decorators/routing-controllers\\.ts$'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
