/** The card with the claims of the token. */
import { claimMeaning } from './claim-meanings.js';
import { create, find, show } from './elements.js';
import type { Caller } from './sign-in.js';

/** Decodes a part of a token to show it. The page decides nothing by it, because only the API checks the signature. */
function decodePart(token: string, part: 0 | 1): Record<string, unknown> {
  const base64 = (token.split('.')[part] ?? '').replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

/** When a token expires, in milliseconds since the epoch. */
export const expiryOf = (token: string) => Number(decodePart(token, 1)['exp']) * 1000;

function claimText(name: string, value: unknown): string {
  if (typeof value === 'number' && ['iat', 'nbf', 'exp', 'auth_time'].includes(name)) {
    return new Date(value * 1000).toLocaleTimeString();
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

// The claims that access depends on come first.
const claimOrder = ['scp', 'roles', 'acrs', 'aud', 'iss', 'tid', 'tfp', 'acr', 'oid', 'exp'];

export function showClaims(caller: Caller | undefined): void {
  find('claims-none').hidden = caller !== undefined;
  find('claims-table').hidden = caller === undefined;
  find('copy-token').hidden = caller === undefined;
  if (caller === undefined) return;
  const place = (name: string) => (claimOrder.includes(name) ? claimOrder.indexOf(name) : claimOrder.length);
  const claims = Object.entries(decodePart(caller.token, 1)).sort(([a], [b]) => place(a) - place(b));
  const rows = claims.map(([name, value]) => {
    const row = document.createElement('tr');
    const heading = create('th', name);
    heading.setAttribute('scope', 'row');
    row.append(heading, create('td', claimText(name, value)), create('td', claimMeaning(name)));
    return row;
  });
  find('claims').replaceChildren(...rows);
  show('key-id', String(decodePart(caller.token, 0)['kid']));
}
