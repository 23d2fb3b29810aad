/** The resource metadata (RFC 9728) over HTTP: what every host answers, and the middleware of hosts on Node. */
import type { IncomingMessage } from 'node:http';
import type { MicrosoftIdentity } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { wellKnownPath, type ResourceMetadata } from '../core/issuers/resource-metadata.js';
import { identityInForce } from '../gate/identity-in-force.js';
import type { Middleware } from './node-middleware.js';

/** The configuration whose metadata is published; default: the one in force. */
export type PublishingIdentity = Pick<MicrosoftIdentity, 'resourceMetadata'> | undefined;

/**
 * The metadata of a configuration.
 *
 * @param at - the function that publishes it, for messages
 * @throws ConfigurationError where the option `resourceMetadata` was not given
 */
export function publishedBy(identity: PublishingIdentity, at: string): ResourceMetadata {
  const document = (identity ?? identityInForce())?.resourceMetadata;
  if (document !== undefined) return document;
  throw new ConfigurationError(`${at} needs the option resourceMetadata of initialize().`);
}

/** Clients in a browser ask from another origin. */
export const anyOrigin = { 'Access-Control-Allow-Origin': '*' } as const;

/**
 * The answer to a preflight. MCP clients send these two headers, and `*` does not include `Authorization`.
 *
 * @see {@link https://fetch.spec.whatwg.org/#http-new-header-syntax Fetch, Access-Control-Allow-Headers}
 */
export const preflightHeaders = {
  ...anyOrigin,
  'Access-Control-Allow-Methods': 'GET, HEAD',
  'Access-Control-Allow-Headers': 'MCP-Protocol-Version, Authorization',
} as const;

/**
 * A middleware that answers `GET /.well-known/oauth-protected-resource` with what the API says of itself, and the CORS
 * preflight for it. Mount it on the app, ahead of a gate that stands there. In Nest: `app.use(resourceMetadata(identity))`.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @throws ConfigurationError where the option `resourceMetadata` was not given
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-3 RFC 9728 §3}
 */
export function resourceMetadata(identity?: PublishingIdentity): Middleware {
  const document = publishedBy(identity, 'resourceMetadata()');
  const path = wellKnownPath(document);
  const body = JSON.stringify(document);
  const documentHeaders = {
    ...anyOrigin,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  };
  return (request, response, next) => {
    const { method = '', originalUrl = request.url ?? '' } = request as IncomingMessage & { originalUrl?: string };
    if (!['GET', 'HEAD', 'OPTIONS'].includes(method) || originalUrl.split('?', 1)[0] !== path) {
      next();
      return;
    }
    const isPreflight = method === 'OPTIONS';
    response.statusCode = isPreflight ? 204 : 200;
    for (const [name, value] of Object.entries(isPreflight ? preflightHeaders : documentHeaders)) {
      response.setHeader(name, value);
    }
    response.end(method === 'GET' ? body : undefined);
  };
}
