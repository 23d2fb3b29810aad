/** Prints requests to try, as curl commands with tokens of the local issuer. */
import type { TestIssuer } from 'microsoft-identity-decorators/testing';

interface RequestToTry {
  readonly title: string;
  readonly status: number;
  readonly path: string;
  readonly token?: string;
  /** Makes it a POST. */
  readonly body?: string;
}

const observation = '{"temperature":-4.5}';

async function requests(issuer: TestIssuer): Promise<readonly RequestToTry[]> {
  const token = await issuer.token();
  const report = '/api/weather/Sapporo';
  const observe = '/api/weather/Sapporo/observations';
  const all = '/api/admin/observations';
  return [
    { title: 'Health, without a token', status: 200, path: '/api/health' },
    { title: 'No token', status: 401, path: report },
    { title: 'A valid token', status: 200, path: report, token },
    { title: 'An expired token', status: 401, path: report, token: await issuer.token({ exp: 1 }) },
    { title: 'A token without the scope', status: 403, path: report, token: await issuer.token({ scp: 'User.Read' }) },
    { title: 'An observation', status: 201, path: observe, token, body: observation },
    { title: 'A body that is not JSON', status: 400, path: observe, token, body: '{"temperature":' },
    { title: 'The same without a token: refused unread', status: 401, path: observe, body: '{"temperature":' },
    { title: 'A caller who is not an administrator', status: 403, path: all, token },
    { title: 'An administrator', status: 200, path: all, token: await issuer.token({ roles: ['Weather.Admin'] }) },
    { title: 'A B2C token', status: 200, path: '/api/b2c/weather/Tokyo', token: await issuer.b2cToken() },
    { title: 'An Entra ID token on a B2C route', status: 401, path: '/api/b2c/weather/Tokyo', token },
  ];
}

function commandOf(apiUrl: string, { path, token, body }: RequestToTry): string {
  const headers = [
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(body === undefined ? [] : ['Content-Type: application/json']),
  ];
  const options = [...headers.map((header) => `-H '${header}'`), ...(body === undefined ? [] : [`-d '${body}'`])];
  // An answer does not end in a line break.
  return ['curl -si', ...options, `'${apiUrl}${path}'`, String.raw`-w '\n'`].join(' ');
}

export async function requestsToTry(apiUrl: string, issuer: TestIssuer): Promise<string> {
  const lines = (await requests(issuer)).map(
    (request) => `  ${String(request.status)}  ${request.title}\n       ${commandOf(apiUrl, request)}\n`,
  );
  return lines.join('\n');
}
