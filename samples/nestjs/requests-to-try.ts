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

async function requestsFor(issuer: TestIssuer): Promise<readonly RequestToTry[]> {
  const zurich = { path: '/api/weather/Z%C3%BCrich' };
  const year2022 = { path: `${zurich.path}/years/2022`, body: '{"meanTemperature":10.9}' };
  const admin = { roles: ['Weather.Admin'] };
  return [
    { title: 'Health, without a token', status: 200, path: '/api/weather/health' },
    { title: 'No token', status: 401, ...zurich },
    { title: 'A valid token', status: 200, ...zurich, token: await issuer.token() },
    { title: 'A token without the scope', status: 403, ...zurich, token: await issuer.token({ scp: 'User.Read' }) },
    { title: 'A token that expired', status: 401, ...zurich, token: await issuer.token({ exp: 1 }) },
    { title: 'A year recorded by someone who may only read', status: 403, ...year2022, token: await issuer.token() },
    {
      title: 'A year recorded by someone who may write',
      status: 201,
      ...year2022,
      token: await issuer.token({ scp: 'access_as_user weather.write' }),
    },
    {
      title: 'The recorded years, for an administrator',
      status: 200,
      path: '/api/weather/years',
      token: await issuer.token(admin),
    },
    { title: 'The same for another caller', status: 403, path: '/api/weather/years', token: await issuer.token() },
  ];
}

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function commandOf(apiUrl: string, { path, token, body }: RequestToTry): string {
  const headers = [
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(body === undefined ? [] : ['Content-Type: application/json']),
  ];
  return [
    'curl -si',
    ...headers.map((header) => `-H ${quoted(header)}`),
    ...(body === undefined ? [] : [`-d ${quoted(body)}`]),
    quoted(apiUrl + path),
    // An answer does not end in a line break.
    String.raw`-w '\n'`,
  ].join(' ');
}

export async function requestsToTry(apiUrl: string, issuer: TestIssuer): Promise<string> {
  const requests = await requestsFor(issuer);
  return requests
    .map((request) => `  ${String(request.status)}  ${request.title}\n       ${commandOf(apiUrl, request)}\n`)
    .join('\n');
}
