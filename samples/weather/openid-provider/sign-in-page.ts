/** The pages that the local issuer shows. They need no script, and load nothing but their style. */
import type { Tenant } from './tenant.js';
import type { Person } from './people.js';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escaped(title)}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/sign-in-page.css">
  </head>
  <body>
    <main>
      ${body}
    </main>
  </body>
</html>
`;

const initials = (name: string) => name.replaceAll(/[^A-Z]/g, '');

const choice = ({ id, name, email, about }: Person) => `<li>
          <button name="person" value="${escaped(id)}">
            <span class="initials" aria-hidden="true">${escaped(initials(name))}</span>
            <span><strong>${escaped(name)}</strong> <span class="email">${escaped(email)}</span>
            <span class="about">${escaped(about)}</span></span>
          </button>
        </li>`;

/** Whom to sign in as, one click each. */
export function signInPage({ kind, policy, people }: Tenant): string {
  const where = kind === 'entra' ? 'Microsoft Entra ID' : `Azure AD B2C, policy ${policy ?? ''}`;
  return page(
    'Pick a person',
    `<p class="where">In place of ${escaped(where)}</p>
      <h1>Pick a person</h1>
      <p>They are made up, and have no password.</p>
      <form method="post">
        <ul>
        ${people.map(choice).join('\n        ')}
        </ul>
        <button class="cancel" name="person" value="">Cancel</button>
      </form>`,
  );
}

/** What went wrong with a sign-in, where there is no page to go back to. */
export function errorPage(error: string, description: string): string {
  return page('Sign-in failed', `<h1>Sign-in failed</h1>\n      <p>${escaped(description)} (${escaped(error)})</p>`);
}
