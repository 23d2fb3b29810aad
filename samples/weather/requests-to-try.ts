/** Prints requests to try: tokens of the local issuer as shell variables, and curl commands that use them. */
import { styleText } from 'node:util';
import { colleagues } from './openid-provider/people.js';
import type { TestTokens } from './openid-provider/test-tokens.js';

const hourSeconds = 60 * 60;

/** The tokens, by the names of their shell variables. */
async function variablesOf(tokens: TestTokens) {
  const now = Math.floor(Date.now() / 1000);
  const twoHoursAgo = now - 2 * hourSeconds;
  const { bob, carla, fay } = colleagues;
  return {
    ANN: await tokens.token(),
    BOB: await tokens.token({ scp: 'alerts.read' }, bob),
    CARLA: await tokens.token({}, carla),
    FAY: await tokens.token({}, fay),
    FAY_AGAIN: await tokens.token({ acrs: ['c1'] }, fay),
    DAEMON: await tokens.appToken({ roles: ['access_as_app'] }),
    USER_DAEMON: await tokens.appToken({ roles: ['access_as_user'] }),
    ADMIN_DAEMON: await tokens.appToken({ roles: ['Weather.Admin'] }),
    EXPIRED: await tokens.token({ iat: twoHoursAgo, nbf: twoHoursAgo, exp: now - hourSeconds }),
    ELSEWHERE: await tokens.token({ aud: 'api://another-api' }),
    ID_TOKEN: await tokens.idToken(),
    DORA: await tokens.b2cToken(),
    RESET: await tokens.b2cToken({ tfp: 'B2C_1_password_reset' }),
  };
}

interface RequestToTry {
  readonly title: string;
  readonly status: number;
  readonly path: string;
  /** The variable of the token. */
  readonly token?: keyof Awaited<ReturnType<typeof variablesOf>>;
  /** Makes it a POST. */
  readonly body?: string;
}

const chapters: Readonly<Record<string, readonly RequestToTry[]>> = {
  'Open to anyone': [{ title: 'Health, without a token', status: 200, path: '/api/health' }],
  "@RequiresAuth() @ValidateScope('access_as_user')": [
    { title: 'No token', status: 401, path: '/api/weather/Oslo' },
    { title: 'A valid token', status: 200, path: '/api/weather/Oslo', token: 'ANN' },
    {
      title: 'Imperial units',
      status: 200,
      path: '/api/weather/New%20York?units=imperial',
      token: 'ANN',
    },
    {
      title: 'A token without the scope',
      status: 403,
      path: '/api/weather/Oslo',
      token: 'BOB',
    },
    {
      title: 'A token that expired an hour ago',
      status: 401,
      path: '/api/weather/Oslo',
      token: 'EXPIRED',
    },
    {
      title: 'A token for another API',
      status: 401,
      path: '/api/weather/Oslo',
      token: 'ELSEWHERE',
    },
    {
      title: 'An ID token in place of an access token',
      status: 401,
      path: '/api/weather/Oslo',
      token: 'ID_TOKEN',
    },
    {
      title: 'An application without the role access_as_user',
      status: 403,
      path: '/api/weather/Oslo',
      token: 'DAEMON',
    },
    { title: 'An unknown city', status: 404, path: '/api/weather/Atlantis', token: 'ANN' },
    {
      title: 'Unknown units',
      status: 400,
      path: '/api/weather/Oslo?units=cubits',
      token: 'ANN',
    },
  ],
  'A validated body': [
    {
      title: 'A year to record beside the normal',
      status: 201,
      path: '/api/weather/Stockholm/years',
      token: 'ANN',
      body: '{"year":2020,"meanTemperature":9.7}',
    },
    {
      title: 'A body that is not valid',
      status: 400,
      path: '/api/weather/Stockholm/years',
      token: 'ANN',
      body: '{"year":"last","meanTemperature":9.7}',
    },
    {
      title: 'A body that is not JSON',
      status: 400,
      path: '/api/weather/Stockholm/years',
      token: 'ANN',
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
      token: 'ANN',
    },
    {
      title: 'Someone who needs a second factor for warnings',
      status: 401,
      path: '/api/weather/Oslo/warnings',
      token: 'FAY',
    },
    {
      title: 'The same person after the second factor',
      status: 200,
      path: '/api/weather/Oslo/warnings',
      token: 'FAY_AGAIN',
    },
    {
      title: 'An application, which acts on behalf of no one',
      status: 403,
      path: '/api/weather/Oslo/warnings',
      token: 'USER_DAEMON',
    },
  ],
  "@RequiresAuth() @RequiresRole('Weather.Admin')": [
    {
      title: 'An administrator',
      status: 200,
      path: '/api/admin/years',
      token: 'CARLA',
    },
    {
      title: 'An application that is an administrator',
      status: 200,
      path: '/api/admin/years',
      token: 'ADMIN_DAEMON',
    },
    { title: 'A user without the role', status: 403, path: '/api/admin/years', token: 'ANN' },
  ],
  "@RequiresB2cAuth() @ValidateScope('access_as_user')": [
    { title: 'A B2C token', status: 200, path: '/api/b2c/weather/Tokyo', token: 'DORA' },
    {
      title: 'A B2C token of a policy that is not configured',
      status: 401,
      path: '/api/b2c/weather/Tokyo',
      token: 'RESET',
    },
    {
      title: 'A B2C token on an Entra ID route',
      status: 401,
      path: '/api/weather/Tokyo',
      token: 'DORA',
    },
    {
      title: 'An Entra ID token on a B2C route',
      status: 401,
      path: '/api/b2c/weather/Tokyo',
      token: 'ANN',
    },
  ],
};

const mostColumns = 100;
const indent = '       ';

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** A command, in lines that fit {@link mostColumns}. */
function commandOf(apiUrl: string, { path, token, body }: RequestToTry): string {
  const words = [
    // An answer does not end in a line break.
    String.raw`curl -siw '\n'`,
    ...(token === undefined ? [] : [`-H "Authorization: Bearer $${token}"`]),
    ...(body === undefined ? [] : [`-H 'Content-Type: application/json'`, `-d ${quoted(body)}`]),
    quoted(apiUrl + path),
  ];
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line !== undefined && `${indent}${line} ${word} \\`.length <= mostColumns)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(lines.length === 0 ? word : `  ${word}`);
  }
  return lines.map((line) => indent + line).join(' \\\n');
}

/** Bold in a terminal. Output to a file or pipe has no escape codes. */
const bold = (text: string) => (process.stdout.isTTY && process.stdout.hasColors() ? styleText('bold', text) : text);

export async function requestsToTry(apiUrl: string, tokens: TestTokens): Promise<string> {
  const lines = [
    'Tokens, good for an hour. Paste them into a POSIX shell:',
    '',
    ...Object.entries(await variablesOf(tokens)).map(([name, token]) => `${name}=${token}`),
    '',
    'Requests to try with them, each after its expected status:',
    '',
  ];
  for (const [chapter, requests] of Object.entries(chapters)) {
    lines.push(`# ${chapter}`, '');
    for (const request of requests) {
      lines.push(bold(`  ${String(request.status)}  ${request.title}`), commandOf(apiUrl, request), '');
    }
  }
  return lines.join('\n');
}
