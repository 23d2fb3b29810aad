/** The people who can sign in at the local issuer. None of them exists. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** What sets this person apart, for whoever has to pick one. */
  readonly about: string;
  /** The scopes that the page gets on this person's behalf, by their short names. */
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
  /** From another organisation, invited. */
  readonly isGuest?: boolean;
}

/** The scope that the API asks for, and one that it does not. */
export const offeredScopes = ['access_as_user', 'alerts.read'] as const;

export const colleagues: readonly Person[] = [
  {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b001',
    name: 'Ann Lindqvist',
    email: 'ann@contoso.example',
    about: 'has the scope access_as_user',
    scopes: offeredScopes,
  },
  {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b002',
    name: 'Bob Okafor',
    email: 'bob@contoso.example',
    about: 'withholds the scope access_as_user',
    scopes: ['alerts.read'],
  },
  {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b003',
    name: 'Carla Reyes',
    email: 'carla@contoso.example',
    about: 'has the scope, and the role Weather.Admin',
    scopes: offeredScopes,
    roles: ['Weather.Admin'],
  },
  {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b004',
    name: 'Gus Park',
    email: 'gus@fabrikam.example',
    about: 'has the scope, and is a guest from another organisation',
    scopes: offeredScopes,
    isGuest: true,
  },
];

export const customers: readonly Person[] = [
  {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b005',
    name: 'Dora Novak',
    email: 'dora@post.example',
    about: 'a customer with the scope access_as_user',
    scopes: offeredScopes,
  },
  {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b006',
    name: 'Emil Haugen',
    email: 'emil@post.example',
    about: 'a customer who withholds the scope access_as_user',
    scopes: ['alerts.read'],
  },
];
