/** The resource metadata (RFC 9728) as a controller. */
import { Get, Header, HttpCode, JsonController, Method } from 'routing-controllers';
import { anonymousAccess } from '../../core/access/combining.js';
import { wellKnownPath, type ResourceMetadata } from '../../core/issuers/resource-metadata.js';
import { record } from '../../decorators/records.js';
import { anyOrigin, preflightHeaders, publishedBy, type PublishingIdentity } from '../resource-metadata.js';

type MethodRecorder = (prototype: object, method: string) => void;

/**
 * A controller for the `controllers` of routing-controllers. It answers `GET /.well-known/oauth-protected-resource` with the
 * resource metadata of the API, and the CORS preflight for it. A `routePrefix` would change this path: serve
 * `identity.resourceMetadata` yourself then.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @throws ConfigurationError where the option `resourceMetadata` was not given
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-3 RFC 9728 §3}
 */
export function resourceMetadataController(identity?: PublishingIdentity): new () => object {
  const document = publishedBy(identity, 'resourceMetadataController()');
  class ResourceMetadataController {
    read(): ResourceMetadata {
      return document;
    }
    preflight(): object {
      return {};
    }
  }
  const { prototype } = ResourceMetadataController;
  const path = wellKnownPath(document);
  const decorate = (method: 'read' | 'preflight', decorators: readonly unknown[]) => {
    for (const decorator of decorators) (decorator as MethodRecorder)(prototype, method);
    record(prototype, method, anonymousAccess);
  };
  const headers = (values: object) => Object.entries(values).map(([name, value]) => Header(name, String(value)));
  decorate('read', [Get(path), ...headers(anyOrigin)]);
  decorate('preflight', [Method('options', path), HttpCode(204), ...headers(preflightHeaders)]);
  JsonController()(ResourceMetadataController);
  return ResourceMetadataController;
}
