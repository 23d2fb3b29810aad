// Makes an ES module small, and keeps the names at its top level, which a stack trace shows.
import { readFileSync, writeFileSync } from 'node:fs';
import { transform } from 'esbuild';
import ts from 'typescript';

/**
 * esbuild shortens the names at the top level of a module, and not those of a script. So it gets the module as a script,
 * without the imports and exports that bundling leaves in statements of their own. They are added again.
 */
export async function minifyModule(file, options) {
  const text = readFileSync(file, 'utf8');
  const { statements } = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const isLink = (statement) => ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement);
  const written = (some) => some.map((statement) => statement.getText()).join('\n');
  const script = written(statements.filter((statement) => !isLink(statement)));
  const { code } = await transform(script, { ...options, minifyIdentifiers: true });
  // An interpreter line stands in front of all statements.
  const [interpreter = ''] = /^#!.*\n/.exec(text) ?? [];
  writeFileSync(file, `${interpreter}${written(statements.filter(isLink))}\n${code}`);
}
