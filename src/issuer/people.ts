/** The people who can sign in at the issuer of the command line. */
import type { Person } from '../testing/people.js';

/** @param roles - the app roles of Carla */
export const peopleWith = (roles: readonly string[]): readonly Person[] => [
  {
    id: '3f1c7a52-90de-4b1f-8a55-6d2f9c4e1a01',
    name: 'Ann Lindqvist',
    email: 'ann@contoso.example',
    about: 'grants every scope that the app asks for',
  },
  {
    id: '3f1c7a52-90de-4b1f-8a55-6d2f9c4e1a02',
    name: 'Carla Reyes',
    email: 'carla@contoso.example',
    about: roles.length === 0 ? 'gets the app roles of --role' : `has the app roles ${roles.join(', ')}`,
    claims: { roles: roles.length === 0 ? undefined : roles },
  },
  {
    id: '3f1c7a52-90de-4b1f-8a55-6d2f9c4e1a03',
    name: 'Gus Park',
    email: 'gus@fabrikam.example',
    about: 'is a guest from another organisation',
    claims: { acct: 1, idp: 'https://sts.windows.net/fabrikam/' },
  },
];
