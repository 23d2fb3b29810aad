/** The people who can sign in at the local issuer. All of them are made up. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** What this person is for in a test, shown on the sign-in page. */
  readonly about: string;
  /** Short names of the scopes that the page gets when this person signs in. */
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
  /** Whether this person was invited from another organisation. */
  readonly isGuest?: boolean;
  /** Whether this person gets a token for the second API only after a second factor. */
  readonly needsSecondFactor?: boolean;
}

/** Of the Entra ID tenant. */
export const colleagues = {
  ann: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b001',
    name: 'Ann Lindqvist',
    email: 'ann@contoso.example',
    about: 'has the scope access_as_user',
    scopes: ['access_as_user', 'alerts.read'],
  },
  bob: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b002',
    name: 'Bob Okafor',
    email: 'bob@contoso.example',
    about: 'withholds the scope access_as_user',
    scopes: ['alerts.read'],
  },
  carla: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b003',
    name: 'Carla Reyes',
    email: 'carla@contoso.example',
    about: 'has the scope, and the role Weather.Admin',
    scopes: ['access_as_user', 'alerts.read'],
    roles: ['Weather.Admin'],
  },
  gus: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b004',
    name: 'Gus Park',
    email: 'gus@fabrikam.example',
    about: 'has the scope, and is a guest from another organisation',
    scopes: ['access_as_user', 'alerts.read'],
    isGuest: true,
  },
  fay: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b007',
    name: 'Fay Nguyen',
    email: 'fay@contoso.example',
    about: 'has the scope, and needs a second factor for warnings',
    scopes: ['access_as_user', 'alerts.read'],
    needsSecondFactor: true,
  },
} satisfies Record<string, Person>;

/** Of the Azure AD B2C tenant. */
export const customers = {
  dora: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b005',
    name: 'Dora Novak',
    email: 'dora@post.example',
    about: 'a customer with the scope access_as_user',
    scopes: ['access_as_user', 'alerts.read'],
  },
  emil: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b006',
    name: 'Emil Haugen',
    email: 'emil@post.example',
    about: 'a customer who withholds the scope access_as_user',
    scopes: ['alerts.read'],
  },
} satisfies Record<string, Person>;
