/** The resource metadata (RFC 9728) as a handler of Fetch. */
import { fetchRequestIn } from '../fetch-request.js';
import { anyOrigin, preflightHeaders, publishedBy, type PublishingIdentity } from '../resource-metadata.js';

/**
 * A handler that answers with what the API says of itself, and answers the CORS preflight. Mount it at
 * `/.well-known/oauth-protected-resource`, which the path of `resource` follows, for `GET` and `OPTIONS`.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @throws ConfigurationError where the option `resourceMetadata` was not given
 * @see {@link https://www.rfc-editor.org/rfc/rfc9728#section-3 RFC 9728 §3}
 * @example
 * ```ts
 * import { Hono } from 'hono';
 * import { initialize, resourceMetadata } from 'microsoft-identity-decorators/fetch';
 *
 * initialize({
 *   tenantId: '31baa16f-cadc-4b68-a5b6-0fa8b6d33db2',
 *   clientId: 'de2656e6-585f-4684-8e65-3ce50a7770a8',
 *   resourceMetadata: { resource: 'https://api.contoso.com/mcp' },
 * });
 * export const app = new Hono();
 * app.all('/.well-known/oauth-protected-resource/mcp', resourceMetadata());
 * ```
 */
export function resourceMetadata(identity?: PublishingIdentity): (request: object) => Response {
  const document = publishedBy(identity, 'resourceMetadata()');
  const body = JSON.stringify(document);
  const documentHeaders = { ...anyOrigin, 'Content-Type': 'application/json; charset=utf-8' };
  return (given) => {
    const method = fetchRequestIn(given)?.method ?? 'GET';
    if (method === 'OPTIONS') return new Response(null, { status: 204, headers: preflightHeaders });
    if (method === 'GET') return new Response(body, { headers: documentHeaders });
    if (method === 'HEAD') return new Response(null, { headers: documentHeaders });
    return new Response(null, { status: 405, headers: { Allow: 'GET, HEAD, OPTIONS' } });
  };
}
