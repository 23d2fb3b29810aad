// Makes an ES module small, and keeps the names at its top level, which a stack trace shows.
import { readFileSync, writeFileSync } from 'node:fs';
import { transform } from 'esbuild';
import ts from 'typescript';

const isExport = ({ kind }) => kind === ts.SyntaxKind.ExportKeyword;

const namesIn = (name) =>
  ts.isIdentifier(name) ? [name.text] : name.elements.flatMap((element) => namesIn(element.name));

/** The names that a statement declares. */
const namesOf = (statement) =>
  (ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement]).flatMap(({ name }) =>
    namesIn(name),
  );

/**
 * esbuild shortens the names at the top level of a module, and not those of a script. So it gets the module as a script,
 * without imports and exports, which are added again.
 */
export async function minifyModule(file, options) {
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const linking = [];
  const exported = [];
  let script = '';
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
      linking.push(statement.getText());
      continue;
    }
    const keyword = statement.modifiers?.find(isExport);
    if (keyword !== undefined) exported.push(...namesOf(statement));
    script += `${text.slice(keyword?.end ?? statement.getStart(), statement.end)}\n`;
  }
  const { code } = await transform(script, { ...options, minifyIdentifiers: true });
  const exports = exported.length === 0 ? [] : [`export{${exported.join(',')}};`];
  // An interpreter line stands in front of all statements.
  const [interpreter = ''] = /^#!.*\n/.exec(text) ?? [];
  writeFileSync(file, `${interpreter}${[...linking, code.trimEnd(), ...exports].filter(Boolean).join('\n')}\n`);
}
