import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['.stryker-tmp', 'dist', '**/dist', 'coverage', 'reports', '**/node_modules'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // The noPropertyAccessFromIndexSignature compiler option wants claims.tid declared and claims['custom'] not.
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/consistent-type-definitions': ['error', 'interface'],
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/core/**'],
    rules: { 'no-restricted-globals': ['error', 'process', 'console', 'setInterval'] },
  },
  {
    files: ['spec/**', 'samples/**'],
    rules: {
      'no-console': 'off',
      // Decorated classes are used by being defined; specs look at what a method was given.
      '@typescript-eslint/class-methods-use-this': 'off',
      // Claims are plain objects behind a class's type.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
    },
  },
  {
    files: ['spec/**'],
    rules: { 'max-lines': ['error', 600] },
  },
  {
    files: ['spec/hosts/express/**'],
    // Express calls a handler without its instance, and the specs hand it over in that way.
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  {
    files: ['spec/misuse.ts'],
    // What does not compile has no type.
    rules: { '@typescript-eslint/no-unsafe-call': 'off' },
  },
  {
    files: ['bench/**'],
    // What is measured is what users can import: folders of the package are private.
    rules: { 'no-restricted-imports': ['error', { patterns: ['**/dist/esm/*/**', '**/dist/cjs/*/**', '**/src/**'] }] },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        Request: 'readonly',
        Response: 'readonly',
        performance: 'readonly',
        setTimeout: 'readonly',
        Buffer: 'readonly',
        require: 'readonly',
        module: 'writable',
      },
    },
  },
);
