/** The people who can sign in at the local issuer. All of them are made up. */
import type { Person } from 'microsoft-identity-decorators/testing';

interface Colleague extends Person {
  /** Whether this person gets a token for the second API only after a second factor. */
  readonly needsSecondFactor?: boolean;
}

/** Of the Entra ID tenant. */
export const colleagues: Readonly<Record<'ann' | 'bob' | 'carla' | 'gus' | 'fay', Colleague>> = {
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
    claims: { roles: ['Weather.Admin'] },
  },
  gus: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b004',
    name: 'Gus Park',
    email: 'gus@fabrikam.example',
    about: 'has the scope, and is a guest from another organisation',
    scopes: ['access_as_user', 'alerts.read'],
    claims: { acct: 1, idp: 'https://sts.windows.net/fabrikam/' },
  },
  fay: {
    id: '8f0f6c1e-52a4-4c9b-9d53-0a4de4a4b007',
    name: 'Fay Nguyen',
    email: 'fay@contoso.example',
    about: 'has the scope, and needs a second factor for warnings',
    scopes: ['access_as_user', 'alerts.read'],
    needsSecondFactor: true,
  },
};

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
