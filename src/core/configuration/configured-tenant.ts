/** Which tenant do `tenantId` and `instance` name? */
import { isGuid } from '../guid.js';
import { initialDomain, tenantOfExternalIdHost } from '../microsoft-hosts.js';

/** Whether a tenant id means more than one tenant. The issuer in the OpenID configuration is then a template. */
export const isMultiTenant = (tenantId: string) => tenantId === 'organizations' || tenantId === 'common';

/** Whether a tenant id means the accounts of more than one organization, or personal accounts. */
export const isShared = (tenantId: string) => isMultiTenant(tenantId) || tenantId === 'consumers';

/** The tenant in the path of an instance. Only External ID has one there. */
export function tenantInPath(instance: string): string | undefined {
  const [, tenant, ...rest] = new URL(instance).pathname.split('/');
  return tenant === undefined || tenant === '' || rest.some((segment) => segment !== '') ? undefined : tenant;
}

/** The tenant of an External ID instance: it is in the path, or else in the host. */
export function tenantOfInstance(instance: string): string | undefined {
  const ofHost = tenantOfExternalIdHost(new URL(instance).hostname);
  const ofHostInFull = ofHost === undefined || isGuid(ofHost) ? ofHost : initialDomain(ofHost);
  return tenantInPath(instance) ?? ofHostInFull;
}
