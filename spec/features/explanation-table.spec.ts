/** Which code explains a refusal, by authority, route and configuration; and that the doctor gives the gate's verdict. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExplanationCode } from '../../src/gate/explanation-hints.js';
import {
  initialize,
  RequiresAnyAuth,
  RequiresAuth,
  RequiresB2cAuth,
  ValidateScope,
  type IdentityOptions,
} from '../../src/fetch.js';
import { issuer, read, run, useIssuer } from '../doctor/run.js';
import { start } from '../support/clock.js';
import { collectExplanations } from '../support/explanations.js';
import { forgetWarnings } from '../support/isolation.js';

const other = '99999999-2222-4333-8444-555555555555';
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';

class Routes {
  @RequiresAuth()
  entra(_request: Request): Response | Promise<Response> {
    return new Response();
  }

  @RequiresB2cAuth()
  b2c(_request: Request): Response | Promise<Response> {
    return new Response();
  }

  @RequiresB2cAuth({ policy: 'B2C_1A_signin' })
  policy(_request: Request): Response | Promise<Response> {
    return new Response();
  }

  @RequiresAnyAuth()
  any(_request: Request): Response | Promise<Response> {
    return new Response();
  }

  @ValidateScope('access_as_user')
  schemeless(_request: Request): Response | Promise<Response> {
    return new Response();
  }
}

class CallingRoutes extends Routes {
  @RequiresAnyAuth()
  calls(request: Request, called: keyof Routes): Response | Promise<Response> {
    return this[called](request);
  }

  @RequiresB2cAuth()
  callsFromB2c(request: Request, called: keyof Routes): Response | Promise<Response> {
    return this[called](request);
  }
}

type Route = keyof Routes;

/** How the doctor is told of a route. */
const flags: Readonly<Record<Route, readonly string[]>> = {
  entra: ['--scheme', 'entra'],
  b2c: ['--scheme', 'b2c'],
  policy: ['--policy', 'B2C_1A_signin'],
  any: ['--scheme', 'any'],
  schemeless: ['--scope', 'access_as_user'],
};

/** The name of a route in the doctor's report on all routes. */
const names: Readonly<Record<Exclude<Route, 'policy'>, string>> = {
  entra: '@RequiresAuth()',
  b2c: '@RequiresB2cAuth()',
  any: '@RequiresAnyAuth()',
  schemeless: 'no scheme',
};

const routes = Object.keys(flags) as readonly Route[];

const configurations = {
  'Entra ID': () => issuer.options,
  B2C: () => ({ b2c: issuer.b2cOptions }),
  both: () => ({ ...issuer.options, b2c: issuer.b2cOptions }),
} satisfies Readonly<Record<string, () => IdentityOptions>>;

type Configuration = keyof typeof configurations;

/** The code that explains the refusal, or that the token passes. */
type Cell = ExplanationCode | 'passes';

interface Row {
  readonly authority: string;
  readonly make: () => Promise<string>;
  /** With Entra ID alone configured, on the routes for Entra ID. */
  readonly entra: Cell;
  /** With B2C alone configured, on the routes for B2C, and on the one for a single policy. */
  readonly b2c: readonly [Cell, Cell];
  /** With both configured, on `@RequiresAuth()`, `@RequiresB2cAuth()`, that for a single policy, and `@RequiresAnyAuth()`. */
  readonly both: readonly [Cell, Cell, Cell, Cell];
}

const entraTenant = () => issuer.options.tenantId;
const b2cTenant = () => issuer.b2cOptions.tenantId;

/** A token of Entra ID's that is not for this API. */
const foreign = (code: ExplanationCode): Pick<Row, 'entra' | 'b2c' | 'both'> => ({
  entra: code,
  b2c: ['entra_token', 'entra_token'],
  both: [code, 'b2c_route', 'b2c_route', code],
});

/** A token that is for no API of this kind: neither the route nor the configuration is the cause. */
const everywhere = (code: ExplanationCode): Pick<Row, 'entra' | 'b2c' | 'both'> => ({
  entra: code,
  b2c: [code, code],
  both: [code, code, code, code],
});

const good = { ...foreign('audience'), entra: 'passes', both: ['passes', 'b2c_route', 'b2c_route', 'passes'] } as const;

const rows: readonly Row[] = [
  { authority: 'Entra ID, v1.0', make: () => issuer.v1Token(), ...good },
  { authority: 'Entra ID, v2.0', make: () => issuer.token(), ...good },
  {
    authority: 'a B2C user flow',
    make: () => issuer.b2cToken(),
    entra: 'b2c_token',
    b2c: ['passes', 'route_policy'],
    both: ['entra_route', 'passes', 'route_policy', 'passes'],
  },
  {
    authority: 'a B2C custom policy',
    make: () => issuer.b2cToken({ tfp: undefined, acr: 'b2c_1a_signin' }),
    entra: 'b2c_token',
    b2c: ['passes', 'passes'],
    both: ['entra_route', 'passes', 'passes', 'passes'],
  },
  {
    authority: 'a B2C user flow that is not configured',
    make: () => issuer.b2cToken({ tfp: 'B2C_1_other' }),
    entra: 'b2c_token',
    b2c: ['policy', 'policy'],
    both: ['entra_route', 'policy', 'policy', 'policy'],
  },
  {
    authority: 'a B2C custom policy that is not configured',
    make: () => issuer.b2cToken({ tfp: undefined, acr: 'b2c_1a_other' }),
    entra: 'b2c_token',
    b2c: ['policy', 'policy'],
    both: ['entra_route', 'policy', 'policy', 'policy'],
  },
  {
    authority: 'a B2C custom policy that its token does not name',
    make: () => issuer.b2cToken({ tfp: undefined, iss: `https://contoso.b2clogin.com/${b2cTenant()}/v2.0/` }),
    entra: 'b2c_token',
    b2c: ['no_policy', 'no_policy'],
    both: ['entra_route', 'no_policy', 'no_policy', 'no_policy'],
  },
  {
    authority: 'a B2C user flow on another host',
    make: () => issuer.b2cToken({ iss: `https://contoso.b2clogin.com/${b2cTenant()}/v2.0/` }),
    entra: 'b2c_token',
    b2c: ['b2c_host', 'b2c_host'],
    both: ['entra_route', 'b2c_host', 'b2c_host', 'b2c_host'],
  },
  {
    authority: 'another B2C tenant',
    make: () => issuer.b2cToken({ iss: `${issuer.url}/${other}/v2.0/` }),
    entra: 'b2c_token',
    b2c: ['b2c_issuer', 'b2c_issuer'],
    both: ['entra_route', 'b2c_issuer', 'b2c_issuer', 'b2c_issuer'],
  },
  {
    authority: 'the configured B2C tenant, with an issuer in another form',
    make: () => issuer.b2cToken({ iss: `${issuer.url}/tfp/${b2cTenant()}/B2C_1_susi/v2.0/` }),
    entra: 'b2c_token',
    b2c: ['b2c_issuer', 'b2c_issuer'],
    both: ['entra_route', 'b2c_issuer', 'b2c_issuer', 'b2c_issuer'],
  },
  {
    authority: 'External ID',
    make: () => issuer.token({ iss: `https://${other}.ciamlogin.com/${other}/v2.0`, tid: other }),
    ...foreign('wrong_instance'),
  },
  {
    authority: 'a personal account',
    make: () => issuer.token({ iss: `${issuer.url}/${consumers}/v2.0`, tid: consumers }),
    ...foreign('personal_account'),
  },
  {
    authority: 'another cloud',
    make: () => issuer.token({ iss: `https://login.microsoftonline.us/${entraTenant()}/v2.0` }),
    ...foreign('wrong_cloud'),
  },
  {
    authority: 'another tenant',
    make: () => issuer.token({ iss: `${issuer.url}/${other}/v2.0`, tid: other }),
    ...foreign('wrong_tenant'),
  },
  {
    authority: 'Entra ID, for Microsoft Graph',
    make: () => issuer.v1Token({ aud: 'https://graph.microsoft.com' }),
    ...everywhere('graph_token'),
  },
  {
    authority: 'Entra ID, for another API of Microsoft',
    make: () => issuer.v1Token({ aud: 'https://management.core.windows.net/' }),
    ...everywhere('microsoft_api'),
  },
  {
    authority: 'another identity provider',
    make: () => issuer.token({ iss: 'https://contoso.eu.auth0.com/', tid: undefined }),
    ...everywhere('other_provider'),
  },
];

/** The table, with the routes that the configuration cannot serve. */
function cellOf(row: Row, configuration: Configuration, route: Route): Cell {
  if (configuration === 'Entra ID') return route === 'entra' || route === 'schemeless' ? row.entra : 'configuration';
  if (configuration === 'B2C') {
    if (route === 'policy') return row.b2c[1];
    return route === 'b2c' || route === 'schemeless' ? row.b2c[0] : 'configuration';
  }
  const { entra, b2c, policy, any } = { entra: row.both[0], b2c: row.both[1], policy: row.both[2], any: row.both[3] };
  return { entra, b2c, policy, any, schemeless: 'configuration' as const }[route];
}

const cells = rows.flatMap((row) =>
  (Object.keys(configurations) as Configuration[]).flatMap((configuration) =>
    routes.map((route) => ({ ...row, configuration, route, cell: cellOf(row, configuration, route) })),
  ),
);

useIssuer();

const explanations = collectExplanations();
beforeEach(() => {
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const requestWith = (token: string) =>
  new Request('http://localhost/', { headers: { authorization: `Bearer ${token}` } });

/** What the gate of a route does with a token: its answer, and its explanation. */
async function gateOn(route: Route, token: string) {
  const { status } = await new Routes()[route](requestWith(token));
  const [explanation] = explanations.splice(0);
  if (status === 200) return { status: 'pass' };
  const { error, reason, code, hint } = explanation ?? {};
  const verdict = { status: 'fail', httpStatus: status, code: error, reason, cause: code, remedy: hint };
  // The message names the method that has the decorator. The doctor does not know it.
  return JSON.parse(JSON.stringify(verdict).replace(/Routes\.\w+/, 'A route')) as typeof verdict;
}

const doctorOn = (argv: readonly string[], token: string) =>
  run(['--config', './nothing.ts', '--json', ...argv, token]);

describe('a token', () => {
  it.each(cells)(
    'of $authority, with $configuration configured, on the route $route: $cell',
    async ({ make, configuration, route, cell }) => {
      initialize({ ...configurations[configuration](), now: () => start });
      const token = await make();
      const decided = await gateOn(route, token);
      expect(decided).toMatchObject(cell === 'passes' ? { status: 'pass' } : { status: 'fail', cause: cell });

      const said = await doctorOn(flags[route], token);
      const { verdict, routes: told } = read(said);
      expect(said.code).toBe(verdict.status === 'pass' ? 0 : 1);
      // Without --scheme the doctor tells the verdict on each kind of route, if there is more than one.
      const ofRoute = told?.find((one) => one.route === names.schemeless);
      const { route: _, ...stated } = ofRoute ?? { route, ...verdict };
      expect(stated).toEqual(decided);
    },
  );

  it.each(rows)('of $authority is examined on each kind of route, if both are configured', async ({ make }) => {
    initialize({ ...configurations.both(), now: () => start });
    const token = await make();
    const { routes: told } = read(await doctorOn([], token));
    const decided = [];
    for (const [route, name] of Object.entries(names)) {
      decided.push({ route: name, ...(await gateOn(route as Route, token)) });
    }
    expect(told).toEqual(decided);
  });
});

describe('a method that a route calls', () => {
  it.each<[string, () => Promise<string>, 'calls' | 'callsFromB2c', keyof Routes, Cell]>([
    ['B2C', () => issuer.b2cToken(), 'calls', 'entra', 'entra_route'],
    ['B2C', () => issuer.b2cToken(), 'callsFromB2c', 'entra', 'entra_route'],
    ['B2C', () => issuer.b2cToken(), 'calls', 'policy', 'route_policy'],
    ['Entra ID', () => issuer.token(), 'calls', 'b2c', 'b2c_route'],
  ])('refuses a token of %s as its own route does: %#', async (_, make, route, called, cell) => {
    initialize({ ...configurations.both(), now: () => start });
    const { status } = await new CallingRoutes()[route](requestWith(await make()), called);
    expect([status, explanations.map(({ code }) => code)]).toEqual([401, [cell]]);
  });
});
