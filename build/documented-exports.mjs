// Gives names that are exported by destructuring the documentation of the members they come from: tsc writes out their types
// alone. An editor shows it then, and the source states it once.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

const isExported = ({ modifiers = [] }) => modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

const commentOf = (node) => ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc);

/** The comment as it is. */
const wholeOf = (comment) => comment.getText().replace(/^\s+\*/gm, ' *');

/** The first paragraph of a comment. */
function summaryOf(comment) {
  const [summary] = ts.getTextOfJSDocComment(comment.comment).split('\n\n');
  const lines = summary.split('\n');
  return lines.length === 1 ? `/** ${summary} */` : `/**\n * ${lines.join('\n * ')}\n */`;
}

/** The documentation of a member: its own, that of its signature, or that of the alias of its type. */
function documentationOf(member, checker) {
  const own = commentOf(member);
  if (own !== undefined) return wholeOf(own);
  const type = checker.getTypeAtLocation(member);
  const signature = type.getCallSignatures()[0]?.declaration;
  const ofSignature = signature && commentOf(signature);
  // An editor shows all of it at a call.
  if (ofSignature !== undefined) return summaryOf(ofSignature);
  const ofAlias = type.aliasSymbol?.declarations?.map(commentOf).find(Boolean);
  if (ofAlias !== undefined) return wholeOf(ofAlias);
  throw new Error(`${member.getText()} has no documentation.`);
}

/** The declarations that take the place of a statement `export const { … } = …`. */
function declarationsFor(statement, { fileName }, checker) {
  const { name: pattern, initializer } = statement.declarationList.declarations[0];
  const type = checker.getTypeAtLocation(initializer);
  const imports = new Set();
  const declarations = pattern.elements.map(({ name: { text: name } }) => {
    const member = type.getProperty(name).valueDeclaration;
    const owner = member.parent.name.text;
    if (!isExported(member.parent))
      throw new Error(`${owner} has to be exported: the type of ${name} is one of its members.`);
    const from = relative(dirname(fileName), member.getSourceFile().fileName).replace(/^(?!\.)/, './');
    if (member.getSourceFile().fileName !== fileName)
      imports.add(`import type { ${owner} } from '${from.replace(/ts$/, 'js')}';`);
    return `${documentationOf(member, checker)}\nexport declare const ${name}: ${owner}['${name}'];`;
  });
  return [...imports, ...declarations].join('\n');
}

const isDestructured = (statement) =>
  ts.isVariableStatement(statement) &&
  isExported(statement) &&
  ts.isObjectBindingPattern(statement.declarationList.declarations[0].name);

function replaceIn(file, name, declarations) {
  const text = readFileSync(file, 'utf8');
  const { statements } = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const emitted = statements.find(
    (one) => ts.isVariableStatement(one) && one.declarationList.declarations[0].name.text === name,
  );
  writeFileSync(file, `${text.slice(0, emitted.getFullStart())}\n${declarations}${text.slice(emitted.end)}`);
}

/** Rewrites such exports in the declarations that tsc made of `src`. */
export function documentExports(folder) {
  const { options, fileNames } = ts.getParsedCommandLineOfConfigFile('tsconfig.json', {}, ts.sys);
  const program = ts.createProgram(fileNames, options);
  for (const source of fileNames.map((name) => program.getSourceFile(name))) {
    for (const statement of source.statements.filter(isDestructured)) {
      const declarations = declarationsFor(statement, source, program.getTypeChecker());
      const [{ name }] = statement.declarationList.declarations[0].name.elements;
      const path = relative(options.rootDir, source.fileName).replace(/ts$/, 'd.ts');
      replaceIn(join(folder, path), name.text, declarations);
    }
  }
}
