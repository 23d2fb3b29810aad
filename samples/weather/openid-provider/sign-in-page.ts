/** The HTML that the local issuer shows. It has no script, and loads its style only. */
import type { Person } from './people.js';
import type { Tenant } from './tenant.js';

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

/** The people to sign in as, one button each. */
export function signInPage(tenant: Tenant): string {
  const where = tenant.kind === 'entra' ? 'Microsoft Entra ID' : `Azure AD B2C, policy ${tenant.policy}`;
  return page(
    'Pick a person',
    `<p class="where">In place of ${escaped(where)}</p>
      <h1>Pick a person</h1>
      <p>They are made up, and have no password.</p>
      <form method="post">
        <ul>
        ${tenant.people.map(choice).join('\n        ')}
        </ul>
        <button class="cancel" name="person" value="">Cancel</button>
      </form>`,
  );
}

/** The second factor, in place of a code from a phone. */
export function secondFactorPage({ id, name }: Person): string {
  return page(
    'Second factor',
    `<p class="where">In place of Microsoft Entra ID</p>
      <h1>Is it you, ${escaped(name)}?</h1>
      <p>The app that you came from asks for a second factor. There is no phone to show a code, so a button does.</p>
      <form method="post">
        <input type="hidden" name="person" value="${escaped(id)}">
        <button name="second-factor" value="given">Yes, it is me</button>
        <button class="cancel" name="person" value="">Cancel</button>
      </form>`,
  );
}

/** Shown where a sign-in fails and names no address to return to. */
export function errorPage(error: string, description: string): string {
  return page('Sign-in failed', `<h1>Sign-in failed</h1>\n      <p>${escaped(description)} (${escaped(error)})</p>`);
}
