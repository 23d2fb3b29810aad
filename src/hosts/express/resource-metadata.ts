/** The resource metadata (RFC 9728) as a middleware. */
import type { IncomingMessage } from 'node:http';
import type { MicrosoftIdentity } from '../../core/access/requirement.js';
import { ConfigurationError } from '../../core/errors.js';
import { wellKnownPath } from '../../core/issuers/resource-metadata.js';
import { identityInForce } from '../../gate/identity-in-force.js';
import type { Middleware } from './middlewares.js';

/**
 * A middleware that answers `GET /.well-known/oauth-protected-resource` with what the API says of itself. Mount it on the
 * app, ahead of a gate that stands there.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @throws ConfigurationError where the option `resourceMetadata` was not given
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-3 RFC 9728 §3}
 */
export function resourceMetadata(
  identity: Pick<MicrosoftIdentity, 'resourceMetadata'> | undefined = identityInForce(),
): Middleware {
  const document = identity?.resourceMetadata;
  if (document === undefined) {
    throw new ConfigurationError('resourceMetadata() needs the option resourceMetadata of initialize().');
  }
  const path = wellKnownPath(document);
  const body = JSON.stringify(document);
  return (request, response, next) => {
    const { method = '', originalUrl = request.url ?? '' } = request as IncomingMessage & { originalUrl?: string };
    if (!['GET', 'HEAD'].includes(method) || originalUrl.split('?', 1)[0] !== path) {
      next();
      return;
    }
    response.statusCode = 200;
    // Browsers ask too, from wherever the client was loaded.
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Content-Length', Buffer.byteLength(body));
    response.end(method === 'HEAD' ? undefined : body);
  };
}
