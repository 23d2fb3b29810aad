/** The pages of the web site, for TypeDoc: in the order of the README, in groups, and named by their headings. */
import { Application, Converter } from 'typedoc';

export const groups = {
  Start: ['reference', 'register-entra', 'register-external-id', 'register-b2c'],
  Hosts: ['express', 'koa', 'nestjs', 'other-hosts', 'existing-apps'],
  Features: ['access', 'multi-tenant', 'downstream', 'mcp', 'openapi'],
  'Test and run': ['testing', 'local-tenant', 'production', 'recipes', 'errors', 'diagnostics', 'doctor'],
  Migration: [
    'migrate-from-passport-azure-ad',
    'migrate-from-nestjs-passport',
    'migrate-from-passport-jwt',
    'migrate-from-express-jwt',
    'migrate-from-express-oauth2-jwt-bearer',
    'migrate-from-authorization-checker',
    'migrate-from-fastapi-microsoft-identity',
  ],
  Background: ['compared', 'performance', 'assurance'],
};

const groupOf = new Map(Object.entries(groups).flatMap(([group, names]) => names.map((name) => [name, group])));

export function load(app) {
  // Before that, TypeDoc reads the options once more.
  app.on(Application.EVENT_BOOTSTRAP_END, () => {
    app.options.setValue(
      'projectDocuments',
      [...groupOf.keys()].map((name) => `docs/${name}.md`),
    );
    app.options.setValue('groupOrder', [...Object.keys(groups), '*']);
  });
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, page) => {
    const [, heading] = /^# (.+)$/m.exec(page.content.map(({ text }) => text).join('')) ?? [];
    if (heading === undefined) throw new Error(`docs/${page.name}.md has no heading.`);
    page.frontmatter.group = groupOf.get(page.name);
    page.name = heading.replaceAll('`', '');
  });
}
