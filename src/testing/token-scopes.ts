/** Which API do scopes name, and which audience does its token have? */
import { isGuid } from '../core/guid.js';

export const openIdScopes: readonly string[] = ['openid', 'profile', 'email', 'offline_access'];

/** The API that a scope names; empty where it is a short name. */
export const resourceOf = (scope: string) => scope.slice(0, Math.max(scope.lastIndexOf('/'), 0));

export const withoutResource = (scope: string) => scope.slice(scope.lastIndexOf('/') + 1);

/** In v2.0 tokens the audience is the client id, which `api://<client id>` names. */
export function audienceOf(resource: string): string {
  const id = resource.replace(/^api:\/\//, '');
  return isGuid(id) ? id : resource;
}
