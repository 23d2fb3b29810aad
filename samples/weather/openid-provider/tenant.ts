/** A tenant of the local issuer. */
import type { Person } from './people.js';

interface Registrations {
  readonly tenantId: string;
  /** Every endpoint's path begins with it. */
  readonly path: string;
  readonly issuer: string;
  /** The API's client id. */
  readonly clientId: string;
  /** The page's client id. */
  readonly pageClientId: string;
  /** The API's Application ID URI. The full name of each scope begins with it. */
  readonly appIdUri: string;
  /** Further Application ID URIs. A registration may have several, such as the URL of an MCP server. */
  readonly otherAppIdUris: readonly string[];
  /** Who can sign in. */
  readonly people: readonly Person[];
}

/** An Entra ID tenant, in which there is a second API, which the first one calls. */
export interface EntraTenant extends Registrations {
  readonly kind: 'entra';
  /** With it, the first API authenticates at the token endpoint. */
  readonly clientSecret: string;
  /** The second API's client id. */
  readonly warningsClientId: string;
}

/** One policy of an Azure AD B2C tenant. */
export interface B2cTenant extends Registrations {
  readonly kind: 'b2c';
  readonly policy: string;
}

export type Tenant = EntraTenant | B2cTenant;

/** The scopes of the API's registration, by their short names. The routes ask for the first one only. */
export const scopes = ['access_as_user', 'alerts.read'] as const;

/** The name of a scope as clients ask for it: `api://…/access_as_user`. */
export const fullScope = (appIdUri: string, scope: string) => `${appIdUri}/${scope}`;

/** The short name of a scope, as tokens contain it. */
export function shortScope({ appIdUri, otherAppIdUris }: Tenant, name: string): string {
  const uri = [appIdUri, ...otherAppIdUris].find((uri) => name.startsWith(`${uri}/`));
  return uri === undefined ? name : name.slice(uri.length + 1);
}

/** The scope of the second API, by its full name. */
export const warningsScope = ({ warningsClientId }: EntraTenant) => `api://${warningsClientId}/warnings.read`;

export function findPerson({ people }: Tenant, id: string): Person | undefined {
  return people.find((person) => person.id === id);
}
