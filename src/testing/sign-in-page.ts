/** The pages of the local issuer, on which a person is picked. They have no script. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Person } from './people.js';

const style = `
:root { color-scheme: light dark; --line: #8886; --accent: light-dark(#0b5cad, #7ab8f5); }
* { box-sizing: border-box; }
body { display: grid; min-height: 100vh; margin: 0; padding: 1rem; place-items: center; font: 16px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 27rem; padding: 1.75rem; border: 1px solid var(--line); border-radius: 10px; }
h1 { margin: 0; font-size: 1.375rem; }
p, ul { margin: 0 0 1rem; padding: 0; overflow-wrap: anywhere; }
small { display: block; }
ul { display: grid; gap: .5rem; list-style: none; }
button { padding: .5rem .875rem; border: 1px solid var(--line); border-radius: 6px; background: none; color: inherit;
  font: inherit; text-align: left; cursor: pointer; }
li button { width: 100%; }
button:hover { border-color: var(--accent); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escaped(title)}</title>
    <link rel="icon" href="data:,">
    <style>${style}</style>
  </head>
  <body>
    <main>
      ${body}
    </main>
  </body>
</html>
`;

const choice = ({ id, name, email, about = '' }: Person) => `<li>
          <button name="person" value="${escaped(id)}">
            <strong>${escaped(name)}</strong> ${escaped(email)}
            <small>${escaped(about)}</small>
          </button>
        </li>`;

/** The people to sign in as, one button each. */
export const signInPage = (where: string, people: readonly Person[]) =>
  page(
    'Pick a person',
    `<small>In place of ${escaped(where)}</small>
      <h1>Pick a person</h1>
      <p>They are made up, and have no password.</p>
      <form method="post">
        <ul>
        ${people.map(choice).join('\n        ')}
        </ul>
        <button name="person" value="">Cancel</button>
      </form>`,
  );

/** The second factor, in place of a code from a phone. */
export const secondFactorPage = (where: string, { id, name }: Person) =>
  page(
    'Second factor',
    `<small>In place of ${escaped(where)}</small>
      <h1>Is it you, ${escaped(name)}?</h1>
      <p>The app that you came from asks for a second factor. There is no phone to show a code, so a button does.</p>
      <form method="post">
        <input type="hidden" name="person" value="${escaped(id)}">
        <button name="second-factor" value="given">Yes, it is me</button>
        <button name="person" value="">Cancel</button>
      </form>`,
  );

/** Shown where a sign-in fails and names no address to return to. */
export const errorPage = (problem: string) =>
  page('Sign-in failed', `<h1>Sign-in failed</h1>\n      <p>${escaped(problem)}</p>`);

export function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': contentSecurityPolicy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  });
  response.end(html);
}
