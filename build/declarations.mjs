// Leaves of the emitted declarations what a consumer can reach from the entry points: the package stays small.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** What is kept of each declaration file: its statements, and the names it imports and re-exports. */
class Declarations {
  #files = new Map();
  #followed = new Set();

  /** The source of a file, its statements by the names they declare, and what is kept of it. */
  #open(file) {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    const declared = new Map();
    for (const statement of source.statements) {
      const names = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
      for (const { name } of names) {
        if (name !== undefined) declared.set(name.text, [...(declared.get(name.text) ?? []), statement]);
      }
    }
    const opened = { source, declared, kept: new Set() };
    this.#files.set(file, opened);
    // An augmentation of another module has no name that one could ask for.
    for (const statement of source.statements) {
      if (ts.isModuleDeclaration(statement)) this.#keep(file, statement);
    }
    return opened;
  }

  /** Keeps all that a file exports. */
  keepAll(file) {
    const { source, declared } = this.#open(file);
    for (const name of declared.keys()) this.#follow(file, name);
    for (const statement of source.statements.filter(ts.isExportDeclaration)) {
      if (statement.exportClause === undefined) this.#keepStar(file, statement, (target) => this.keepAll(target));
      else for (const { name } of statement.exportClause.elements) this.#follow(file, name.text);
    }
  }

  /** Keeps what a name means in a file, if it means something there. Another thing of that name is kept in vain. */
  #follow(file, name) {
    const key = `${file}#${name}`;
    if (this.#followed.has(key)) return;
    this.#followed.add(key);
    const { source, declared, kept } = this.#open(file);
    for (const statement of declared.get(name) ?? []) this.#keep(file, statement);
    for (const statement of source.statements) {
      for (const element of namesOf(statement).filter((one) => one.name.text === name)) {
        kept.add(element);
        const original = (element.propertyName ?? element.name).text;
        const target = statement.moduleSpecifier === undefined ? file : targetOf(file, statement.moduleSpecifier);
        if (target !== undefined) this.#follow(target, original);
      }
      if (ts.isExportDeclaration(statement) && statement.exportClause === undefined) {
        this.#keepStar(file, statement, (target) => this.#follow(target, name));
      }
    }
  }

  #keepStar(file, statement, keep) {
    this.#open(file).kept.add(statement);
    const target = targetOf(file, statement.moduleSpecifier);
    if (target !== undefined) keep(target);
  }

  /** Keeps a statement, and all that a name in it may mean. */
  #keep(file, statement) {
    const { kept } = this.#open(file);
    if (kept.has(statement)) return;
    kept.add(statement);
    const visit = (node) => {
      if (ts.isIdentifier(node)) this.#follow(file, node.text);
      if (ts.isImportTypeNode(node)) {
        const target = targetOf(file, node.argument.literal);
        if (target !== undefined) this.#follow(target, ts.isIdentifier(node.qualifier) ? node.qualifier.text : '');
      }
      ts.forEachChild(node, visit);
    };
    visit(statement);
  }

  /** The kept text of each file that was reached. */
  *texts() {
    for (const [file, { source, kept }] of this.#files) {
      const parts = source.statements.flatMap((statement) => {
        if (kept.has(statement)) return [statement.getFullText()];
        const names = namesOf(statement).filter((element) => kept.has(element));
        return names.length === 0 ? [] : [withNames(statement, names)];
      });
      // Without import and export, a file is no module.
      if (parts.length > 0) yield [file, `${parts.join('').trim()}\nexport {};\n`];
    }
  }
}

/** The declaration of a relative module. That of another package is none of ours. */
function targetOf(file, specifier) {
  if (!specifier.text.startsWith('.')) return undefined;
  const target = join(dirname(file), specifier.text.replace(/\.js$/, '.d.ts'));
  if (!existsSync(target)) throw new Error(`${file} imports ${specifier.text}, which has no declaration.`);
  return target;
}

/** The names that a statement imports, or exports again. */
function namesOf(statement) {
  if (ts.isImportDeclaration(statement)) {
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) {
      throw new Error(`An import that only named ones replace: ${statement.getText()}`);
    }
    return [...bindings.elements];
  }
  return ts.isExportDeclaration(statement) ? [...(statement.exportClause?.elements ?? [])] : [];
}

function withNames(statement, names) {
  const keyword = ts.isImportDeclaration(statement) ? 'import' : 'export';
  const isTypeOnly = statement.isTypeOnly ?? statement.importClause?.isTypeOnly;
  const origin = statement.moduleSpecifier === undefined ? '' : ` from ${statement.moduleSpecifier.getText()}`;
  return `\n${keyword}${isTypeOnly ? ' type' : ''} { ${names.map((name) => name.getText()).join(', ')} }${origin};`;
}

/** Rewrites the declarations below a folder: what the entry points cannot reach goes. */
export function pruneDeclarations(folder, entryPoints) {
  const declarations = new Declarations();
  for (const file of entryPoints) declarations.keepAll(file);
  const texts = new Map(declarations.texts());
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name);
    if (!file.endsWith('.d.ts')) continue;
    const text = texts.get(file);
    if (text === undefined) rmSync(file);
    // A tab is a quarter of what tsc indents by.
    else
      writeFileSync(
        file,
        text.replace(/^(?: {4})+/gm, (indent) => '\t'.repeat(indent.length / 4)),
      );
  }
}
