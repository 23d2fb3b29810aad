/** Prints requests to try, as curl commands with tokens of the local issuer. */
import { styleText } from 'node:util';
import type { TestTokens } from './openid-provider/test-tokens.js';

interface RequestToTry {
  readonly title: string;
  readonly status: number;
  readonly path: string;
  readonly token?: string;
  /** Makes it a POST. */
  readonly body?: string;
}

type Chapters = Readonly<Record<string, readonly RequestToTry[]>>;

const hourSeconds = 60 * 60;

async function chaptersFor(tokens: TestTokens): Promise<Chapters> {
  const now = Math.floor(Date.now() / 1000);
  const twoHoursAgo = now - 2 * hourSeconds;
  const stockholm2020 = '{"year":2020,"meanTemperature":9.7}';
  return {
    'Open to anyone': [{ title: 'Health, without a token', status: 200, path: '/api/health' }],
    "@RequiresAuth() @ValidateScope('access_as_user')": [
      { title: 'No token', status: 401, path: '/api/weather/Oslo' },
      { title: 'A valid token', status: 200, path: '/api/weather/Oslo', token: await tokens.token() },
      {
        title: 'Imperial units',
        status: 200,
        path: '/api/weather/New%20York?units=imperial',
        token: await tokens.token(),
      },
      {
        title: 'A token without the scope',
        status: 403,
        path: '/api/weather/Oslo',
        token: await tokens.token({ scp: 'User.Read' }),
      },
      {
        title: 'A token that expired an hour ago',
        status: 401,
        path: '/api/weather/Oslo',
        token: await tokens.token({ iat: twoHoursAgo, nbf: twoHoursAgo, exp: now - hourSeconds }),
      },
      {
        title: 'A token for another API',
        status: 401,
        path: '/api/weather/Oslo',
        token: await tokens.token({ aud: 'api://another-api' }),
      },
      {
        title: 'An ID token in place of an access token',
        status: 401,
        path: '/api/weather/Oslo',
        token: await tokens.idToken(),
      },
      {
        title: 'An application without the role access_as_user',
        status: 403,
        path: '/api/weather/Oslo',
        token: await tokens.appToken({ roles: ['access_as_app'] }),
      },
      { title: 'An unknown city', status: 404, path: '/api/weather/Atlantis', token: await tokens.token() },
      {
        title: 'Unknown units',
        status: 400,
        path: '/api/weather/Oslo?units=cubits',
        token: await tokens.token(),
      },
    ],
    'A validated body': [
      {
        title: 'A year to record beside the normal',
        status: 201,
        path: '/api/weather/Stockholm/years',
        token: await tokens.token(),
        body: stockholm2020,
      },
      {
        title: 'A body that is not valid',
        status: 400,
        path: '/api/weather/Stockholm/years',
        token: await tokens.token(),
        body: '{"year":"last","meanTemperature":9.7}',
      },
      {
        title: 'A body that is not JSON',
        status: 400,
        path: '/api/weather/Stockholm/years',
        token: await tokens.token(),
        body: '{"year":',
      },
      {
        title: 'The same without a token: refused before the body is read',
        status: 401,
        path: '/api/weather/Stockholm/years',
        body: '{"year":',
      },
    ],
    "A second API, called on behalf of the user: @OnBehalfOf('warnings')": [
      {
        title: 'The warnings for a city',
        status: 200,
        path: '/api/weather/Oslo/warnings',
        token: await tokens.token(),
      },
      {
        title: 'Someone who needs a second factor for warnings',
        status: 401,
        path: '/api/weather/Oslo/warnings',
        token: await tokens.strictToken(),
      },
      {
        title: 'The same person after the second factor',
        status: 200,
        path: '/api/weather/Oslo/warnings',
        token: await tokens.strictToken({ acrs: ['c1'] }),
      },
      {
        title: 'An application, which acts on behalf of no one',
        status: 403,
        path: '/api/weather/Oslo/warnings',
        token: await tokens.appToken({ roles: ['access_as_user'] }),
      },
    ],
    "@RequiresAuth() @RequiresRole('Weather.Admin')": [
      {
        title: 'An administrator',
        status: 200,
        path: '/api/admin/years',
        token: await tokens.token({ roles: ['Weather.Admin'] }),
      },
      {
        title: 'An application that is an administrator',
        status: 200,
        path: '/api/admin/years',
        token: await tokens.appToken({ roles: ['Weather.Admin'] }),
      },
      { title: 'A user without the role', status: 403, path: '/api/admin/years', token: await tokens.token() },
    ],
    "@RequiresB2cAuth() @ValidateScope('access_as_user')": [
      { title: 'A B2C token', status: 200, path: '/api/b2c/weather/Tokyo', token: await tokens.b2cToken() },
      {
        title: 'A B2C token of a policy that is not configured',
        status: 401,
        path: '/api/b2c/weather/Tokyo',
        token: await tokens.b2cToken({ tfp: 'B2C_1_password_reset' }),
      },
      {
        title: 'A B2C token on an Entra ID route',
        status: 401,
        path: '/api/weather/Tokyo',
        token: await tokens.b2cToken(),
      },
      {
        title: 'An Entra ID token on a B2C route',
        status: 401,
        path: '/api/b2c/weather/Tokyo',
        token: await tokens.token(),
      },
    ],
  };
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

/** Bold in a terminal. Output to a file or pipe has no escape codes. */
const bold = (text: string) => (process.stdout.isTTY && process.stdout.hasColors() ? styleText('bold', text) : text);

export async function requestsToTry(apiUrl: string, tokens: TestTokens): Promise<string> {
  const lines = [
    'Requests to try in a POSIX shell, each after its expected status. The tokens are good for an hour.',
    '',
  ];
  for (const [chapter, requests] of Object.entries(await chaptersFor(tokens))) {
    lines.push(`# ${chapter}`, '');
    for (const request of requests) {
      lines.push(bold(`  ${String(request.status)}  ${request.title}`), `       ${commandOf(apiUrl, request)}`, '');
    }
  }
  return lines.join('\n');
}
