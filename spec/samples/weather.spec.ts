/** The sample as a user starts it: its own process, and the commands it prints, run in a shell. */
import { exec, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { tenantVariables } from '../support/environment-variables.js';
import { freePort } from '../support/program.js';
import { startRedis } from '../support/redis.js';

type Variables = NodeJS.ProcessEnv;

/** Without the variables that name a tenant of this machine. */
function environment(variables: Variables = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^AzureAd|^DownstreamApis|^REDIS_URL$|^NO_COLOR$|^FORCE_COLOR$/.test(name),
  );
  return { ...Object.fromEntries(inherited), PORT: '0', ...variables };
}

interface Sample {
  readonly process: ChildProcess;
  /** What it printed up to the line that says it listens. */
  readonly lines: readonly string[];
  /** What it wrote to its standard error so far. */
  readonly complaints: () => string;
}

const weatherMain = 'samples/weather/dist/main.js';
const warningsMain = 'samples/warnings/dist/main.js';

const started: ChildProcess[] = [];

function spawnSample(variables: Variables = {}, main = weatherMain) {
  const sample = spawn(process.execPath, [main], { env: environment(variables), stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(sample);
  return sample;
}

async function startSample(variables?: Variables, main?: string): Promise<Sample> {
  const sample = spawnSample(variables, main);
  let complaints = '';
  sample.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const lines: string[] = [];
  for await (const line of createInterface(sample.stdout)) {
    lines.push(line);
    if (line.startsWith('Listening on ')) return { process: sample, lines, complaints: () => complaints };
  }
  throw new Error(`The sample ended before it listened: ${complaints}`);
}

/** Starts the sample where it cannot work, and waits for its end. */
async function failingSample(variables: Variables): Promise<{ code: unknown; complaints: string; output: string }> {
  const sample = spawnSample(variables);
  let [complaints, output] = ['', ''];
  sample.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  sample.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(sample, 'close')) as [unknown];
  return { code, complaints, output };
}

async function stop(sample: Sample, signal: NodeJS.Signals): Promise<unknown> {
  const ended = once(sample.process, 'exit') as Promise<[unknown]>;
  sample.process.kill(signal);
  const [code] = await ended;
  return code;
}

const urlOf = ({ lines }: Sample) => /http:\S+\d/.exec(lines.at(-1) ?? '')?.[0] ?? '';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Reads what `curl -i` prints. */
function parseAnswer(printed: string): Answer {
  const [head = '', ...rest] = printed.split('\r\n\r\n');
  const [statusLine = '', ...headerLines] = head.split('\r\n');
  const headers = headerLines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const text = rest.join('\r\n\r\n').trim();
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as unknown) : text,
  };
}

interface Operation {
  readonly security?: readonly object[];
  readonly 'x-required-roles'?: readonly (readonly string[])[];
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

async function openApiPaths(sample: Sample): Promise<Paths> {
  const response = await fetch(`${urlOf(sample)}/docs/openapi.json`);
  return ((await response.json()) as { readonly paths: Paths }).paths;
}

interface PrintedRequest {
  readonly title: string;
  readonly status: number;
  readonly command: string;
}

function printedRequests(lines: readonly string[]): PrintedRequest[] {
  return lines.flatMap((line, index) => {
    const [, status, title] = /^ {2}(\d{3}) {2}(.+)$/.exec(line) ?? [];
    if (status === undefined || title === undefined) return [];
    const rest = lines.slice(index + 1);
    const command = rest.slice(0, rest.indexOf('')).join('\n');
    return [{ status: Number(status), title, command }];
  });
}

/** The tokens that are printed, by the names of their shell variables. */
function printedTokens(lines: readonly string[]): Readonly<Record<string, string>> {
  const assignments = lines.flatMap((line) => {
    const [, name, token] = /^([A-Z_]+)=(\S+)$/.exec(line) ?? [];
    return name === undefined || token === undefined ? [] : [[name, token] as const];
  });
  return Object.fromEntries(assignments);
}

beforeAll(() => {
  for (const project of ['samples/warnings', 'samples/weather']) {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: 'pipe' });
  }
});

afterAll(() => {
  for (const sample of started) sample.kill('SIGKILL');
});

describe('the weather sample with no configuration', () => {
  let sample: Sample;
  let requests: PrintedRequest[];
  let tokens: Readonly<Record<string, string>>;
  const answers = new Map<string, Answer>();
  const inShell = (command: string) => promisify(exec)(command, { env: { PATH: process.env['PATH'], ...tokens } });
  const answerTo = (title: string) => answers.get(title);

  beforeAll(async () => {
    sample = await startSample();
    requests = printedRequests(sample.lines);
    tokens = printedTokens(sample.lines);
    // One after the other: the years that one request records are what a later one lists.
    for (const { title, command } of requests) {
      const { stdout } = await inShell(command);
      answers.set(title, parseAnswer(stdout));
    }
  });

  it('prints a request for each kind of caller, with the status to expect', () => {
    expect(requests.map(({ status, title }) => `${String(status)} ${title}`)).toEqual([
      '200 Health, without a token',
      '401 No token',
      '200 A valid token',
      '200 Imperial units',
      '403 A token without the scope',
      '401 A token that expired an hour ago',
      '401 A token for another API',
      '401 An ID token in place of an access token',
      '403 An application without the role access_as_user',
      '404 An unknown city',
      '400 Unknown units',
      '201 A year to record beside the normal',
      '400 A body that is not valid',
      '400 A body that is not JSON',
      '401 The same without a token: refused before the body is read',
      '200 The warnings for a city',
      '401 Someone who needs a second factor for warnings',
      '200 The same person after the second factor',
      '403 An application, which acts on behalf of no one',
      '200 An administrator',
      '200 An application that is an administrator',
      '403 A user without the role',
      '200 A B2C token',
      '401 A B2C token of a policy that is not configured',
      '401 A B2C token on an Entra ID route',
      '401 An Entra ID token on a B2C route',
    ]);
  });

  it('prints the address of the page first, and one address everywhere', () => {
    const url = urlOf(sample);
    expect(url).toMatch(/^http:\/\/localhost:\d+$/);
    expect(sample.lines[0]).toBe(`The page, which signs people in: ${url}/ (Swagger UI: ${url}/docs)`);
    const addresses = sample.lines.flatMap((line) => line.match(/https?:\/\/[^/\s]+/g) ?? []);
    expect([...new Set(addresses.map((address) => address.replace(/\.$/, '')))]).toEqual([url]);
  });

  it('prints each token once, and commands with their names that fit 100 columns', () => {
    expect(Object.keys(tokens)).toHaveLength(13);
    for (const line of sample.lines.filter((line) => !/^[A-Z_]+=/.test(line))) {
      expect(line.length, line).toBeLessThanOrEqual(100);
      expect(line).not.toContain('eyJ');
    }
    for (const { command } of requests)
      expect(command).toMatch(/^ +curl -siw '\\n' [^]*'http:\/\/localhost:\d+\/api\/[^]*$/);
  });

  it('answers each printed request with the status printed beside it', () => {
    const got = requests.map(({ title }) => ({ title, status: answerTo(title)?.status }));
    expect(got).toEqual(requests.map(({ title, status }) => ({ title, status })));
  });

  it('reports the climate of a city in metric units', () => {
    expect(answerTo('A valid token')?.body).toEqual({
      city: 'Oslo',
      country: 'Norway',
      station: 'Blindern',
      meanTemperature: '5.7 °C',
      annualPrecipitation: '763 mm',
      period: '1961-1990',
      source: 'Norwegian Meteorological Institute, climate normals',
    });
  });

  it('reports the climate of a city in imperial units', () => {
    expect(answerTo('Imperial units')?.body).toMatchObject({
      city: 'New York',
      meanTemperature: '55.8 °F',
      annualPrecipitation: '49.5 in',
    });
  });

  it('refuses a caller without a token, and names no error', () => {
    for (const title of ['No token', 'The same without a token: refused before the body is read']) {
      const answer = answerTo(title);
      expect(answer?.headers['www-authenticate']).toBe('Bearer');
      expect(answer?.headers['cache-control']).toBe('no-store');
      expect(answer?.body).toEqual({
        error: 'missing_token',
        error_description: 'This request needs an access token.',
      });
    }
  });

  it('refuses a token without the scope, and names the scope', () => {
    for (const title of ['A token without the scope', 'An application without the role access_as_user']) {
      expect(answerTo(title)?.headers['www-authenticate']).toBe(
        'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", scope="access_as_user"',
      );
    }
  });

  it('refuses a token without the role', () => {
    expect(answerTo('A user without the role')?.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_scope", error_description="The access token does not carry the role this request needs."',
    );
  });

  it('says what is wrong with a token', () => {
    const descriptions = {
      'A token that expired an hour ago': 'The access token expired.',
      'A token for another API': 'The access token is meant for another API.',
      'An ID token in place of an access token': 'The token is not an access token.',
      'A B2C token of a policy that is not configured': 'The access token comes from a policy that is not accepted.',
    };
    for (const [title, description] of Object.entries(descriptions)) {
      expect(answerTo(title)?.headers['www-authenticate']).toBe(
        `Bearer error="invalid_token", error_description="${description}"`,
      );
    }
  });

  const ofOslo = [{ level: 'yellow', event: 'Snow showers', advice: 'Allow more time for your way to work.' }];

  it('gets the warnings of the second API on behalf of the user', () => {
    expect(answerTo('The warnings for a city')?.body).toEqual(ofOslo);
  });

  it('challenges someone who needs a second factor, and accepts the token that has it', () => {
    const answer = answerTo('Someone who needs a second factor for warnings');
    const [, claims = ''] =
      /^Bearer realm="[^"]+", authorization_uri="[^"]+", error="insufficient_claims", claims="([^"]+)"$/.exec(
        answer?.headers['www-authenticate'] ?? '',
      ) ?? [];
    expect(JSON.parse(Buffer.from(claims, 'base64').toString())).toEqual({
      access_token: { acrs: { essential: true, value: 'c1' } },
    });
    expect(answer?.body).toMatchObject({ error: 'insufficient_claims' });
    expect(answerTo('The same person after the second factor')?.body).toEqual(ofOslo);
  });

  it('calls the second API on behalf of no application', () => {
    expect(answerTo('An application, which acts on behalf of no one')?.body).toMatchObject({
      error: 'insufficient_scope',
    });
  });

  it('gives a token for the second API only to a client that authenticates', async () => {
    const assertion = tokens['ANN'] ?? '';
    const claims = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as {
      readonly iss: string;
      readonly aud: string;
    };
    const response = await fetch(claims.iss.replace(/v2\.0$/, 'oauth2/v2.0/token'), {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        requested_token_use: 'on_behalf_of',
        client_id: claims.aud,
        client_secret: 'another secret',
        assertion,
        scope: 'api://warnings/warnings.read',
      }),
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: 'invalid_client' });
  });

  it('accepts tokens of one authority on its own routes alone', () => {
    for (const title of ['A B2C token on an Entra ID route', 'An Entra ID token on a B2C route']) {
      expect(answerTo(title)?.body).toMatchObject({ error: 'invalid_token' });
    }
  });

  it('records a year beside the normal, for administrators to list', () => {
    const entry = {
      city: 'Stockholm',
      year: 2020,
      temperatureDeparture: '+1.8 °C',
      recordedBy: { tid: expect.any(String) as string, oid: expect.any(String) as string },
    };
    expect(answerTo('A year to record beside the normal')?.body).toEqual(entry);
    expect(answerTo('An administrator')?.body).toEqual([entry]);
  });

  it('says what is wrong with a body', () => {
    expect(answerTo('A body that is not valid')?.body).toEqual({
      message: "Invalid body, check 'errors' property for more info.",
      errors: [
        'year must not be greater than 2100',
        'year must not be less than 1850',
        'year must be an integer number',
      ],
    });
  });

  it('says that there are no figures for a city, and which units there are', () => {
    expect(answerTo('An unknown city')?.body).toEqual({ message: 'There are no climate normals for this city.' });
    expect(answerTo('Unknown units')?.body).toEqual({ message: 'units is one of: metric, imperial.' });
  });

  it('shows no stack of an error', () => {
    for (const { title, status } of requests.filter(({ status }) => status >= 400)) {
      expect(JSON.stringify(answerTo(title)?.body), `${String(status)} ${title}`).not.toMatch(/node_modules|\.js:\d/);
    }
  });

  it('knows a city by its name without accents', async () => {
    const command = requests.find(({ title }) => title === 'A valid token')?.command ?? '';
    const { stdout } = await inShell(command.replace('/Oslo', '/zurich'));
    expect(parseAnswer(stdout).body).toMatchObject({ city: 'Zürich' });
  });

  it('describes what each route demands', async () => {
    const entra = [{ entra: [expect.stringMatching(/^api:.*access_as_user$/)] }];
    const operations = Object.entries(await openApiPaths(sample)).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [
        `${method} ${path}`,
        operation.security,
        operation['x-required-roles'],
      ]),
    );
    expect(operations).toEqual([
      ['get /api/admin/years', [{ entra: [] }], [['Weather.Admin']]],
      [
        'get /api/b2c/weather/{city}',
        [{ 'b2c-B2C_1_susi': [expect.stringMatching(/^https:.*access_as_user$/)] }],
        undefined,
      ],
      ['get /api/health', undefined, undefined],
      ['get /api/weather/{city}', entra, undefined],
      ['post /api/weather/{city}/years', entra, undefined],
      ['get /api/weather/{city}/warnings', entra, undefined],
    ]);
  });

  it('ends on SIGTERM without a warning or an error', async () => {
    expect(await stop(sample, 'SIGTERM')).toBe(0);
    expect(sample.complaints()).toBe('');
  });
});

describe('the weather sample at another start', () => {
  it('has the same issuer, so that a token of the start before works', async () => {
    const port = await freePort();
    const variables = { PORT: String(port) };
    const first = await startSample(variables);
    const { ANN = '' } = printedTokens(first.lines);
    expect(await stop(first, 'SIGTERM')).toBe(0);

    const second = await startSample(variables);
    expect(urlOf(second)).toBe(`http://localhost:${String(port)}`);
    const headers = { authorization: `Bearer ${ANN}` };
    expect((await fetch(`${urlOf(second)}/api/weather/Oslo`, { headers })).status).toBe(200);

    const { code, complaints, output } = await failingSample(variables);
    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(complaints).toBe(
      `Port ${String(port)} is in use. Set PORT: the API takes that port, and the local issuer the next one.\n`,
    );
    expect(await stop(second, 'SIGTERM')).toBe(0);
  });
});

describe('the weather sample with a tenant in the environment', () => {
  let issuer: TestIssuer;

  beforeAll(async () => {
    issuer = await startTestIssuer();
  });

  afterAll(() => issuer.close());

  const variables = () => tenantVariables(issuer.options);

  it('accepts tokens of that tenant, and starts no issuer of its own', async () => {
    const sample = await startSample(variables());
    const get = async (path: string) =>
      (await fetch(urlOf(sample) + path, { headers: { authorization: `Bearer ${await issuer.token()}` } })).status;

    expect(await get('/api/weather/Oslo')).toBe(200);
    expect(await get('/api/b2c/weather/Oslo')).toBe(404);
    const paths = Object.keys(await openApiPaths(sample));
    expect(paths).toContain('/api/weather/{city}');
    // The environment names neither a B2C tenant nor a second API.
    expect(paths).not.toContain('/api/b2c/weather/{city}');
    expect(paths).not.toContain('/api/weather/{city}/warnings');
    expect(printedRequests(sample.lines)).toEqual([]);
    expect(await stop(sample, 'SIGINT')).toBe(0);
    expect(sample.complaints()).toBe('');
  });

  it('refuses to start with a tenant that cannot be one, and names the option', async () => {
    const { code, complaints, output } = await failingSample({ ...variables(), AzureAd__TenantId: 'not a tenant!' });
    expect(code).toBe(1);
    expect(complaints).toMatch(/^initialize: tenantId: [^]*Options were read from the environment/);
    expect(output).toBe('');
  });

  it('refuses to start where the keys of the tenant cannot be loaded', async () => {
    const gone = await startTestIssuer();
    const instance = gone.url;
    await gone.close();
    const { code, complaints } = await failingSample({ ...variables(), AzureAd__Instance: instance });
    expect(code).toBe(1);
    expect(complaints).toContain('instance');
  });
});

describe('the weather sample and the warnings sample with a tenant in the environment', () => {
  const warningsId = '6d1c9a7e-3b58-4f0e-9a55-2f5f8c1e7b10';
  let issuer: TestIssuer;
  let warnings: Sample;

  beforeAll(async () => {
    issuer = await startTestIssuer();
    warnings = await startSample({ ...tenant(), AzureAd__ClientId: warningsId }, warningsMain);
  });

  afterAll(() => issuer.close());

  const tenant = () => ({ AzureAd__TenantId: issuer.options.tenantId, AzureAd__Instance: issuer.options.instance });

  const startWeather = (redisUrl: string, variables: Variables = {}) =>
    startSample({
      ...tenant(),
      AzureAd__ClientId: issuer.options.clientId,
      AzureAd__ClientSecret: issuer.downstreamOptions.credential.clientSecret,
      DownstreamApis__warnings__BaseUrl: urlOf(warnings),
      DownstreamApis__warnings__Scopes: `api://${warningsId}/warnings.read`,
      REDIS_URL: redisUrl,
      ...variables,
    });

  const get = (url: string, token: string) => fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const warningsOf = (sample: Sample, token: string) => get(`${urlOf(sample)}/api/weather/Tokyo/warnings`, token);

  it('accepts on the second API tokens of users, for it alone, with its scope', async () => {
    const status = async (token: Promise<string>) =>
      (await get(`${urlOf(warnings)}/api/warnings/Tokyo`, await token)).status;
    expect(await status(issuer.token({ aud: warningsId, scp: 'warnings.read' }))).toBe(200);
    expect(await status(issuer.token({ aud: warningsId, scp: 'access_as_user' }))).toBe(403);
    expect(await status(issuer.token({ scp: 'warnings.read' }))).toBe(401);
    expect(await status(issuer.appToken({ aud: warningsId, roles: ['warnings.read'] }))).toBe(403);
  });

  it('shares tokens between processes in Redis, and goes on without it', async () => {
    const redis = await startRedis();
    try {
      const [one, other] = await Promise.all([startWeather(redis.url), startWeather(redis.url)]);
      const token = await issuer.token();
      const asked = issuer.tokenRequests.length;
      for (const sample of [one, other]) {
        const response = await warningsOf(sample, token);
        expect(response.status).toBe(200);
        expect(await response.json()).toHaveLength(2);
      }
      expect(issuer.tokenRequests.length - asked).toBe(1);

      await redis.kill();
      expect((await warningsOf(one, await issuer.token({ oid: warningsId }))).status).toBe(200);
      for (const sample of [one, other]) expect(await stop(sample, 'SIGTERM')).toBe(0);
    } finally {
      await redis.stop();
    }
  });

  it('starts where there is no Redis, and reports it once', async () => {
    // Port 1 is that of no server.
    const sample = await startWeather('redis://127.0.0.1:1');
    expect((await warningsOf(sample, await issuer.token())).status).toBe(200);
    expect(await stop(sample, 'SIGTERM')).toBe(0);
    expect(sample.complaints().match(/Redis is not available/g)).toHaveLength(1);
  });

  it('accepts with a store only the clients that the environment allows', async () => {
    const sample = await startWeather('redis://127.0.0.1:1', { AzureAd__AllowedClients: warningsId });
    expect((await warningsOf(sample, await issuer.token({ azp: warningsId }))).status).toBe(200);
    const refused = await warningsOf(sample, await issuer.token());
    expect([refused.status, await refused.json()]).toMatchObject([403, { error: 'insufficient_scope' }]);
    expect(await stop(sample, 'SIGTERM')).toBe(0);
  });

  it('ends on SIGTERM', async () => {
    expect(await stop(warnings, 'SIGTERM')).toBe(0);
    expect(warnings.complaints()).toBe('');
  });
});
