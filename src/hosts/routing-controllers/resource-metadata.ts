/** The resource metadata (RFC 9728) as a controller. */
import { Get, Header, JsonController } from 'routing-controllers';
import { anonymousAccess } from '../../core/access/combining.js';
import type { MicrosoftIdentity } from '../../core/access/requirement.js';
import { ConfigurationError } from '../../core/errors.js';
import { wellKnownPath, type ResourceMetadata } from '../../core/issuers/resource-metadata.js';
import { record } from '../../decorators/records.js';
import { identityInForce } from '../../gate/identity-in-force.js';

type MethodRecorder = (prototype: object, method: string) => void;

/**
 * A controller for the `controllers` of routing-controllers. It answers `GET /.well-known/oauth-protected-resource` with the
 * resource metadata of the API. A `routePrefix` would change this path: serve `identity.resourceMetadata` yourself then.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @throws ConfigurationError where the option `resourceMetadata` was not given
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-3 RFC 9728 §3}
 */
export function resourceMetadataController(
  identity: Pick<MicrosoftIdentity, 'resourceMetadata'> | undefined = identityInForce(),
): new () => object {
  const document = identity?.resourceMetadata;
  if (document === undefined) {
    throw new ConfigurationError('resourceMetadataController() needs the option resourceMetadata of initialize().');
  }
  class ResourceMetadataController {
    read(): ResourceMetadata | undefined {
      return document;
    }
  }
  const { prototype } = ResourceMetadataController;
  (Get(wellKnownPath(document)) as MethodRecorder)(prototype, 'read');
  // Clients in a browser ask from another origin.
  (Header('Access-Control-Allow-Origin', '*') as MethodRecorder)(prototype, 'read');
  record(prototype, 'read', anonymousAccess);
  JsonController()(ResourceMetadataController);
  return ResourceMetadataController;
}
