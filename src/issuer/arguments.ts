/** The command line of the issuer. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

export const help = `Usage: microsoft-identity-decorators issuer [--port <port>] [--role <role>] [--b2c <policy>]
       microsoft-identity-decorators issuer --token [--scope <scope>] [--role <role>] [--group <id>] [--app] [--v1]
       microsoft-identity-decorators issuer --token --b2c <policy> [--scope <scope>]
       microsoft-identity-decorators issuer --token … [--claim <name>=<value>] [--expired] [--audience <uri>]

A tenant on this machine, in place of Microsoft Entra ID, to develop an API with. It prints the variables
that the API needs, answers on 127.0.0.1 alone, and needs no network. Not for production.

  --port <port>      listens on this port, and on it at the next starts, too (at first: 4400, or the
                     next free one)
  --b2c <policy>     stands in for Azure AD B2C, too, with this policy, such as B2C_1_susi; may be repeated
  --role <role>      Carla, who can be picked on the sign-in page, has this app role; may be repeated

With --token it prints an access token for the API, good for an hour, and ends:
  --scope <scope>    the short name of a scope; may be repeated (default, for a person: access_as_user)
  --role <role>      an app role; may be repeated (default, with --app: access_as_app)
  --group <id>       a group of the claim groups; may be repeated
  --claim <name>=<value>  one more claim; may be repeated. The value is a text, a number, true, false, or JSON
                     that begins with [ { or "
  --app              the token of an application, without a person
  --v1               a v1.0 token
  --b2c <policy>     a token of this policy
  --expired          a token that expired an hour ago, to see it refused
  --audience <uri>   a token for another API, to see it refused: its URI or client id

  --help, -h

Ids, keys and port are kept in node_modules/.cache/microsoft-identity-decorators/issuer.json of the project,
or without a project in the cache folder of the user. Delete the file for new ones.
`;

const options = {
  port: { type: 'string' },
  b2c: { type: 'string', multiple: true },
  token: { type: 'boolean' },
  scope: { type: 'string', multiple: true },
  role: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
  claim: { type: 'string', multiple: true },
  app: { type: 'boolean' },
  v1: { type: 'boolean' },
  expired: { type: 'boolean' },
  audience: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} satisfies ParseArgsConfig['options'];

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Which token to print. */
export interface TokenArguments {
  readonly kind: 'token';
  /** Of a person or an application of the Entra tenant, in one version, or of a policy of the B2C tenant. */
  readonly of: 'person' | 'application' | 'policy';
  readonly isV1: boolean;
  readonly policy: string | undefined;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Further claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly isExpired: boolean;
  /** The API that it is for. Undefined: the one of this tenant. */
  readonly audience: string | undefined;
}

/** How to serve. */
export interface ServerArguments {
  readonly kind: 'server';
  readonly port: number | undefined;
  readonly policies: readonly string[];
  readonly roles: readonly string[];
}

export type Arguments = TokenArguments | ServerArguments | { readonly kind: 'help' };

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Values = ReturnType<typeof parse>;

/** Refuses options that mean nothing beside another one. */
function refuse(values: Values, names: readonly (keyof Values)[], problem: string): void {
  const given = names.find((name) => values[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} ${problem}.`);
}

/** A scope, role or group is one word of visible characters (RFC 6749 §3.3). */
function wordsOf(values: Values, name: 'scope' | 'role' | 'group'): readonly string[] {
  const words = values[name] ?? [];
  const wrong = words.find((word) => !/^[!#-[\]-~]+$/.test(word));
  if (wrong !== undefined) throw new UsageError(`--${name} takes one ${name}. Repeat it for more.`);
  return words;
}

function policiesOf({ b2c = [] }: Values): readonly string[] {
  const wrong = b2c.find((policy) => !/^B2C_1A?_\w+$/i.test(policy));
  if (wrong !== undefined) throw new UsageError('--b2c takes the name of a policy, such as B2C_1_susi.');
  return b2c;
}

/** Claims that the issuer sets itself, and the flag that changes one of them. */
const ownClaims: ReadonlyMap<string, string | undefined> = new Map([
  ...['iss', 'iat', 'nbf', 'tid', 'ver', 'idtyp'].map((name) => [name, undefined] as const),
  ['exp', '--expired'],
  ['aud', '--audience'],
  ['scp', '--scope'],
  ['roles', '--role'],
  ['groups', '--group'],
  ['tfp', '--b2c'],
]);

function jsonValue(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--claim ${name} has a value that begins like JSON, and is not JSON.`);
  }
}

function claimValue(text: string, name: string): unknown {
  if (/^[[{"]/.test(text)) return jsonValue(text, name);
  if (text === 'true' || text === 'false') return text === 'true';
  // An id such as 007, or one with more digits than a number keeps, stays a text.
  return Number.isFinite(Number(text)) && String(Number(text)) === text ? Number(text) : text;
}

function claimsOf({ claim = [] }: Values): TokenArguments['claims'] {
  const claims = new Map<string, unknown>();
  for (const given of claim) {
    const [, name, text] = /^([!-<>-~]+)=(.+)$/s.exec(given) ?? [];
    if (name === undefined || text === undefined) throw new UsageError('--claim takes <name>=<value>.');
    if (claims.has(name)) throw new UsageError(`--claim ${name} is given twice. Write a list as ${name}='["a","b"]'.`);
    if (ownClaims.has(name)) {
      const flag = ownClaims.get(name);
      throw new UsageError(`--claim ${name} is set by the issuer${flag === undefined ? '' : `: use ${flag}`}.`);
    }
    claims.set(name, claimValue(text, name));
  }
  return Object.fromEntries(claims);
}

function audienceOf({ audience }: Values): string | undefined {
  if (audience === undefined || /^[!-~]+$/.test(audience)) return audience;
  throw new UsageError('--audience takes the URI or the client id of an API.');
}

function portOf({ port }: Values): number | undefined {
  if (port === undefined) return undefined;
  const number = /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN;
  if (number >= 1 && number <= 65535) return number;
  throw new UsageError('--port takes a number from 1 to 65535.');
}

function tokenArguments(values: Values): TokenArguments {
  const [policy, ...more] = policiesOf(values);
  const scopes = wordsOf(values, 'scope');
  const roles = wordsOf(values, 'role');
  const groups = wordsOf(values, 'group');
  refuse(values, ['port'], 'does not go with --token, which uses the port of the last start');
  if (more.length > 0) throw new UsageError('--token takes one --b2c.');
  if (policy !== undefined)
    refuse(values, ['role', 'group', 'app', 'v1'], 'is of Entra ID, and does not go with --b2c');
  if (values.app === true) refuse(values, ['scope'], 'is of a person, and does not go with --app');
  const isOfPerson = values.app !== true;
  return {
    kind: 'token',
    of: policy !== undefined ? 'policy' : values.app === true ? 'application' : 'person',
    isV1: values.v1 === true,
    policy,
    // Each token of a person has a scope: without one it is no access token. An application's has a role in its place.
    scopes: isOfPerson && scopes.length === 0 ? ['access_as_user'] : scopes,
    roles: !isOfPerson && roles.length === 0 ? ['access_as_app'] : roles,
    groups,
    claims: claimsOf(values),
    isExpired: values.expired === true,
    audience: audienceOf(values),
  };
}

/**
 * Reads the command line, without the name of the command.
 *
 * @throws UsageError
 */
export function parseArguments(argv: readonly string[]): Arguments {
  if (argv[0] === 'help') return { kind: 'help' };
  const values = parse(argv);
  if (values.help === true) return { kind: 'help' };
  if (values.token === true) return tokenArguments(values);
  refuse(values, ['scope', 'group', 'claim', 'app', 'v1', 'expired', 'audience'], 'belongs to --token');
  return { kind: 'server', port: portOf(values), policies: policiesOf(values), roles: wordsOf(values, 'role') };
}
