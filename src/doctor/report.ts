/** The report of the doctor, as text and as JSON. Neither contains the token or a part of it. */
import type { UnverifiedClaims } from '../core/access-token-claims.js';
import type { Examination, RouteVerdict, Status, Step, Verdict } from './examination.js';
import { hanging } from './lines.js';
import { isUnprotected, type Protection, type Route } from './routes.js';
import type { Output } from './terminal.js';
import { either, escapedJson, escapedMembers, printable, shown, shownTime } from './values.js';

/** Puts text in a colour. */
export type Paint = (colour: 'red' | 'green' | 'yellow' | 'dim', text: string) => string;

const codes = { red: 31, green: 32, yellow: 33, dim: 2 } as const;

/** Colours on a terminal, unless the environment forbids them. @see https://no-color.org */
export function paintFor(output: Output, env: Readonly<Record<string, string | undefined>>): Paint {
  const isWanted = output.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return (colour, text) => (isWanted ? `\u001b[${String(codes[colour])}m${text}\u001b[0m` : text);
}

// Of all other claims only the names are shown: their values may be personal data, or could be replayed.
const shownMembers = ['alg', 'typ', 'kid'];
const shownClaims = ['iss', 'aud', 'tid', 'ver', 'scp', 'roles', 'azp', 'appid', 'idtyp', 'tfp', 'acr'];
const timeClaims = ['exp', 'nbf', 'iat'];

function pick(members: UnverifiedClaims | undefined, names: readonly string[]): UnverifiedClaims {
  return Object.fromEntries(Object.entries(members ?? {}).filter(([name]) => names.includes(name)));
}

function otherNames(members: UnverifiedClaims | undefined, names: readonly string[]): readonly string[] {
  return Object.keys(members ?? {}).filter((name) => !names.includes(name));
}

const marks: Readonly<Record<Status, readonly [mark: string, colour: 'red' | 'green' | 'yellow']>> = {
  pass: ['ok  ', 'green'],
  fail: ['FAIL', 'red'],
  unknown: ['?   ', 'yellow'],
};

/** The mark of a line. */
export function mark(status: Status, paint: Paint): string {
  const [text, colour] = marks[status];
  return paint(colour, text);
}

/** The name of a line below a marked one. */
export const label = (name: string) => `       ${name.padEnd(10)}`;

function stepText(shownStep: Step, paint: Paint): string {
  const { step, status, expected, found, cause, remedy, because } = escapedMembers(shownStep);
  const beside = because ?? (status === 'pass' ? found : '');
  const [plainMark] = marks[status];
  const first = hanging(`${plainMark}   ${step.padEnd(10)} `, beside);
  const lines = [mark(status, paint) + first.slice(plainMark.length)];
  const add = (name: string, text: string) => lines.push(hanging(`${label(name)} `, text));
  if (status === 'fail') {
    add('expected', expected);
    add('found', found);
  }
  if (cause !== undefined) lines.push(`${label('cause')} ${paint(marks[status][1], cause)}`);
  if (remedy !== undefined) add(status === 'fail' ? 'change' : 'note', remedy);
  return lines.join('\n');
}

/** The answer to a token that does not pass. */
const answerText = ({ httpStatus, code, reason }: Verdict) =>
  `${String(httpStatus)} ${String(code)}${reason === undefined ? '' : ` (${reason})`}`;

/** The kinds of routes that do not refuse a token; empty if the route is known. */
const passedRoutes = (routes: readonly RouteVerdict[] = []) =>
  routes.filter(({ status }) => status !== 'fail').map(({ route }) => route);

/** The routes that do not refuse a token; empty if scheme and demands are those of the options. */
function passedText(routes: readonly RouteVerdict[] | undefined, isCompared: boolean): string {
  const scheme = routes === undefined ? '' : ` with ${either(passedRoutes(routes))}`;
  const demands = isCompared ? '' : ' that demands no scope or role';
  return scheme + demands === '' ? '' : ` on a route${scheme}${demands}`;
}

/**
 * @param on - the routes that do not refuse the token
 * @param isExplained - whether a step has the remedy already
 */
function verdictText(verdict: Verdict, on: string, isExplained: boolean, paint: Paint): string {
  const escapedVerdict = escapedMembers(verdict);
  const { status, cause, remedy } = escapedVerdict;
  if (status === 'pass') return paint('green', `The token passes${on}.`);
  if (status === 'unknown') {
    return paint('yellow', `No step fails${on}. Key and signature are not checked (--offline).`);
  }
  const refused = paint('red', `The token does not pass: ${answerText(escapedVerdict)}.`);
  const explained = isExplained ? `The cause is ${String(cause)}, see above.` : `${String(cause)}: ${String(remedy)}`;
  return `${refused}\n${hanging('', explained)}`;
}

/** The verdict on each kind of route, if there is one. */
function routeTexts(routes: readonly RouteVerdict[] = [], paint: Paint): readonly string[] {
  const width = Math.max(...routes.map(({ route }) => route.length));
  return routes.map(escapedMembers).map((verdict) => {
    const words = {
      pass: 'passes',
      unknown: 'no step fails',
      fail: `${answerText(verdict)}, ${String(verdict.cause)}`,
    };
    return `${mark(verdict.status, paint)}   ${verdict.route.padEnd(width)} ${words[verdict.status]}`;
  });
}

/** What claims mean whose names do not tell it. */
const meanings: ReadonlyMap<string, string> = new Map([
  ['kid', 'the id of the signing key'],
  ['iss', 'the issuer'],
  ['aud', 'the API that the token is for'],
  ['tid', 'the tenant'],
  ['ver', 'the version of the token'],
  ['scp', 'the scopes, of a person'],
  ['roles', 'the app roles'],
  ['azp', 'the client that got the token'],
  ['appid', 'the client that got the token'],
  ['idtyp', 'app: an application without a person'],
  ['tfp', 'the B2C policy'],
]);

const nameColumn = 7;

function rowText(name: string, value: string, paint: Paint): string {
  const meaning = meanings.get(name);
  const text = hanging(name.padEnd(nameColumn), meaning === undefined ? value : `${value} (${meaning})`);
  return paint('dim', name) + text.slice(name.length);
}

/**
 * The examination of a token, as text.
 *
 * @param options.isCompared - whether scopes or roles of the token were compared with those of a route
 * @param options.setUp - the lines on calls of other APIs
 */
export function examinationText(
  { seen, steps, verdict, routes }: Examination,
  options: {
    readonly origin: string;
    readonly nowMs: number;
    readonly isCompared: boolean;
    readonly paint: Paint;
    readonly setUp: readonly string[];
  },
): string {
  const { origin, nowMs, isCompared, paint, setUp } = options;
  const rows = [
    ...Object.entries(pick(seen.header, shownMembers)).map(([name, value]) => [name, shown(value)] as const),
    ...Object.entries(pick(seen.payload, shownClaims)).map(([name, value]) => [name, shown(value)] as const),
    ...Object.entries(pick(seen.payload, timeClaims)).map(([name, value]) => [name, shownTime(value, nowMs)] as const),
  ];
  const others = otherNames(seen.payload, [...shownClaims, ...timeClaims]);
  const isExplained = steps.some(({ cause, remedy }) => cause === verdict.cause && remedy === verdict.remedy);
  return [
    `Checked against ${printable(origin)} at ${new Date(nowMs).toISOString()}.`,
    '',
    ...rows.map(([name, value]) => rowText(name, value, paint)),
    ...(others.length === 0 ? [] : [rowText('and', printable(others.join(', ')), paint)]),
    ...(rows.length === 0 ? [] : ['']),
    ...steps.map((step) => stepText(step, paint)),
    '',
    ...(setUp.length === 0 ? [] : ['Calls of other APIs:', ...setUp, '']),
    ...(routes === undefined ? [] : ['Routes, by their decorator:', ...routeTexts(routes, paint), '']),
    verdictText(verdict, passedText(routes, isCompared), isExplained, paint),
    '',
  ].join('\n');
}

/** The examination of a token, as JSON. */
export function examinationJson(
  { seen, steps, verdict, routes }: Examination,
  { origin, nowMs, downstream }: { readonly origin: string; readonly nowMs: number; readonly downstream: unknown },
): string {
  const claims = pick(seen.payload, [...shownClaims, ...timeClaims]);
  const token = {
    header: pick(seen.header, shownMembers),
    claims,
    otherClaims: otherNames(seen.payload, Object.keys(claims)),
  };
  const now = new Date(nowMs).toISOString();
  return `${escapedJson({ verdict, routes, steps, token, downstream, configuration: origin, now })}\n`;
}

const protections: Readonly<Record<Protection, (route: Route, paint: Paint) => string>> = {
  protected: ({ requirement }, paint) => paint('green', requirement ?? ''),
  authorized: ({ requirement }, paint) => paint('green', `${requirement ?? ''}: the app's checker decides`),
  open: (_, paint) => paint('yellow', 'open (--open)'),
  anonymous: (_, paint) => paint('yellow', 'open (@AllowAnonymous)'),
  mounted: (_, paint) => paint('red', 'mounted, unknown'),
  unprotected: (_, paint) => paint('red', 'NOT PROTECTED'),
};

/** The audit of routes, as text. */
export function routesText(audited: readonly Route[], paint: Paint): string {
  const routes = audited.map(escapedMembers);
  const width = (read: (route: Route) => string) => Math.max(...routes.map((route) => read(route).length));
  const method = width((route) => route.method);
  const path = width((route) => route.path);
  const action = width((route) => route.action);
  const rows = routes.map((route) =>
    [
      route.method.padEnd(method),
      route.path.padEnd(path),
      route.action.padEnd(action),
      protections[route.protection](route, paint),
    ].join('  '),
  );
  const open = routes.filter(isUnprotected).length;
  const summary =
    open === 0
      ? paint(
          'green',
          `${routes.length === 1 ? '1 route. It' : `${String(routes.length)} routes. Each`} has a requirement or @AllowAnonymous().`,
        )
      : paint(
          'red',
          `${String(open)} of ${String(routes.length)} routes have no requirement and no @AllowAnonymous().`,
        );
  return `${[...rows, '', summary].join('\n')}\n`;
}

/** The audit of routes, as JSON. */
export function routesJson(routes: readonly Route[]): string {
  return `${escapedJson({ routes, unprotected: routes.filter(isUnprotected).length })}\n`;
}
