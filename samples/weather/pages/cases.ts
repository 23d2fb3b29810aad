/** The cases that the page steps through. */
import type { Scheme } from './sign-in.js';

export interface Case {
  readonly id: string;
  readonly title: string;
  /** The decorators of the route. */
  readonly decorators: string;
  readonly path: string;
  /** The authority whose token is sent. Without one, no token is sent. */
  readonly scheme?: Scheme;
  /** Who has to sign in. */
  readonly who: string;
  /** That person's name at the local issuer. */
  readonly localPerson?: string;
  /** Whether the API calls the second one to answer. */
  readonly callsWarnings?: boolean;
  /** The status in the end: after a claims challenge, that of the next token. */
  readonly expected: number;
  readonly why: string;
}

const warnings = "@RequiresAuth({ callers: 'user' })\n@ValidateScope('access_as_user')\n@OnBehalfOf('warnings')";
const scoped = "@RequiresAuth()\n@ValidateScope('access_as_user')";

export const cases: readonly Case[] = [
  {
    id: 'anonymous',
    title: 'No token',
    decorators: scoped,
    path: '/api/weather/Oslo',
    who: 'No token is sent.',
    expected: 401,
    why: 'The challenge asks for a bearer token. It names no error, because no token was sent.',
  },
  {
    id: 'scope',
    title: 'The right scope',
    decorators: scoped,
    path: '/api/weather/Oslo',
    scheme: 'entra',
    who: 'Anyone in the tenant who lets this page call the API.',
    localPerson: 'Ann',
    expected: 200,
    why: 'The token is for this API, from this tenant, and its scp claim holds access_as_user.',
  },
  {
    id: 'missing-scope',
    title: 'A missing scope',
    decorators: scoped,
    path: '/api/weather/Oslo',
    scheme: 'entra',
    who: 'Someone whose valid token lacks access_as_user in its scp claim.',
    localPerson: 'Bob',
    expected: 403,
    why: 'The token is valid, but its scp claim lacks access_as_user. The challenge names that scope.',
  },
  {
    id: 'admin',
    title: 'An administrator',
    decorators: "@RequiresAuth()\n@RequiresRole('Weather.Admin')",
    path: '/api/admin/years',
    scheme: 'entra',
    who: 'Someone with the app role Weather.Admin.',
    localPerson: 'Carla',
    expected: 200,
    why: 'The roles claim holds Weather.Admin. Anyone else gets 403.',
  },
  {
    id: 'warnings',
    title: 'A second API',
    decorators: warnings,
    path: '/api/weather/Oslo/warnings',
    scheme: 'entra',
    callsWarnings: true,
    who: 'Anyone in the tenant who lets this page call the API.',
    localPerson: 'Ann',
    expected: 200,
    why: 'The API exchanged the token for one for the warnings API, on behalf of the person, and called that API.',
  },
  {
    id: 'second-factor',
    title: 'A second factor',
    decorators: warnings,
    path: '/api/weather/Oslo/warnings',
    scheme: 'entra',
    callsWarnings: true,
    who: 'Someone who may use the warnings API only after a second factor. A claims challenge asks for it.',
    localPerson: 'Fay',
    expected: 200,
    why: 'The acrs claim shows the second factor, so the API got a token for the warnings API.',
  },
  {
    id: 'b2c',
    title: 'A B2C policy',
    decorators: "@RequiresB2cAuth()\n@ValidateScope('access_as_user')",
    path: '/api/b2c/weather/Tokyo',
    scheme: 'b2c',
    who: 'A customer, who signs in with a B2C policy.',
    localPerson: 'Dora',
    expected: 200,
    why: 'The token comes from a configured policy, which its tfp or acr claim names.',
  },
  {
    id: 'wrong-authority',
    title: 'The wrong authority',
    decorators: scoped,
    path: '/api/weather/Tokyo',
    scheme: 'b2c',
    who: 'The same customer, on a route for Entra ID.',
    localPerson: 'Dora',
    expected: 401,
    why: 'The token is valid, but this route accepts another issuer.',
  },
];
