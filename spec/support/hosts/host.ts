import type { AccessTokenClaims } from '../../../src/index.js';
import type { Api } from '../api.js';

/** One host framework with the same routes as all others; see each file beside this one. */
export interface HostUnderTest {
  readonly name: string;
  readonly start: () => Promise<Api>;
}

/** A request of any host, or what holds it. */
interface AnyRequest {
  readonly headers?: Readonly<Record<string, string>> | Headers;
  readonly req?: { readonly raw: Request };
}

/** A rule of the application, with the request as handlers get it: the caller is who the header names. */
export function isNamed({ oid }: AccessTokenClaims, { headers, req }: AnyRequest): boolean {
  const given = headers ?? req?.raw.headers;
  const name = given instanceof Headers ? given.get('x-caller') : given?.['x-caller'];
  if (name === 'nobody') throw new TypeError('There is no such caller.');
  return name === oid;
}
