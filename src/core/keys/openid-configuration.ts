/** Reads and checks an OpenID configuration. */
import { object, string, unknown } from 'decoders';
import type { Authority } from '../issuers/authority.js';
import { tenantOfIssuer } from '../issuers/issuer.js';
import { textOrNothing } from './key-set-document.js';

/** The parts of an OpenID configuration that are needed. */
export interface PublishedIssuer {
  readonly issuer: string;
  /** The tenant that the issuer names: a GUID, or the placeholder of a template. */
  readonly tenant: string | undefined;
  readonly keysUrl: string;
  readonly cloudInstanceName: string | undefined;
}

const openIdConfiguration = object({
  issuer: string,
  jwks_uri: string,
  cloud_instance_name: unknown,
});

/**
 * Reads an OpenID configuration.
 *
 * @throws Error if it is malformed, or does not belong to the authority
 */
export function readConfiguration(document: unknown, authority: Authority): PublishedIssuer {
  const result = openIdConfiguration.decode(document);
  if (!result.ok) throw new Error(`${authority.metadataUrl} is not an OpenID configuration.`);
  const { issuer, jwks_uri: keysUrl } = result.value;
  const cloudInstanceName = textOrNothing(result.value.cloud_instance_name);
  if (!authority.ownsIssuer(issuer)) {
    throw new Error(`${authority.metadataUrl} names an issuer that does not belong to ${authority.options}.`);
  }
  if (!authority.ownsKeysUrl(keysUrl, issuer)) {
    throw new Error(`${authority.metadataUrl} names a key set on a host that is not its own, or without https.`);
  }
  return Object.freeze({ issuer, tenant: tenantOfIssuer(issuer), keysUrl, cloudInstanceName });
}
