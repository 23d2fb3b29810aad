/** What there is to try, one step after the other. */
import type { Scheme } from './sign-in.js';

export interface Case {
  readonly id: string;
  readonly title: string;
  /** What protects the route. */
  readonly decorators: string;
  readonly path: string;
  /** Whose token is sent; nobody's where there is none. */
  readonly scheme?: Scheme;
  /** Who makes the case what it is. */
  readonly who: string;
  /** That person's name at the local issuer. */
  readonly localPerson?: string;
  readonly expected: number;
  readonly why: string;
}

const scoped = "@RequiresAuth()\n@ValidateScope('access_as_user')";

export const cases: readonly Case[] = [
  {
    id: 'anonymous',
    title: 'Nobody',
    decorators: scoped,
    path: '/api/weather/Oslo',
    who: 'No token is sent.',
    expected: 401,
    why: 'The challenge asks for a bearer token, and names no error: nothing was wrong, there just was no token.',
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
    who: 'Someone whose token is good, but whose scp claim lacks access_as_user.',
    localPerson: 'Bob',
    expected: 403,
    why: 'The token is good, and carries too little. The challenge names the scope to ask for.',
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
    why: 'A good token, from an issuer that this route does not take.',
  },
];

/** What a claim says, in a few words. */
export const claimMeanings: Readonly<Record<string, string>> = {
  aud: 'the API it is for',
  iss: 'who issued it',
  iat: 'issued',
  nbf: 'good from',
  exp: 'good until',
  scp: 'what the app may do for the person',
  roles: 'what the person may do',
  oid: 'the person',
  tid: 'the tenant',
  azp: 'the app that asked for it',
  tfp: 'the policy',
  acr: 'the policy',
  name: 'for display only',
  preferred_username: 'for display only',
  acct: '1: a guest',
  sub: 'the person, as this API knows them',
  ver: 'the form of the token',
};
