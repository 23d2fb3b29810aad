/** The command `microsoft-identity-decorators doctor`: why an API refuses a token, and which routes are open. */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { anyOf, type Requirement } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { help, parseArguments, type Arguments, type SetUpArguments, type TokenArguments } from './arguments.js';
import { configurationFor } from './configuration.js';
import { entraErrorsJson, entraErrorsText, faultsIn, setUpJson, setUpLines, setUpText } from './downstream-report.js';
import { entraErrorsIn, type EntraError } from './entra-errors.js';
import { examine, type Verdict } from './examination.js';
import { examinationJson, examinationText, paintFor, routesJson, routesText } from './report.js';
import { isUnprotected, openOnPurpose, routesIn } from './routes.js';
import { examineSetUp } from './set-up.js';
import { readTokenText, UsageError, type Terminal } from './terminal.js';
import { escapedLines } from './values.js';

/**
 * 0: the token passes, the number is known, no part is wrong, or no route is unprotected; 1: otherwise; 2: the command line
 * or the configuration is wrong; 3: the issuer could not be reached.
 */
export type ExitCode = 0 | 1 | 2 | 3;

function exitCodeOf({ status, httpStatus }: Verdict): ExitCode {
  if (status !== 'fail') return 0;
  return httpStatus === 503 ? 3 : 1;
}

/** What the options demand of a token, beside the scheme. */
const demandsOf = ({ scopes, roles }: TokenArguments): Requirement['demands'] => [
  ...(scopes.length === 0 ? [] : [anyOf('scope', scopes)]),
  ...(roles.length === 0 ? [] : [anyOf('role', roles)]),
];

function explainErrors(errors: readonly EntraError[], isJson: boolean, { stdout, env }: Terminal): ExitCode {
  stdout.write(isJson ? entraErrorsJson(errors) : entraErrorsText(errors, paintFor(stdout, env)));
  return errors.every(({ known }) => known) ? 0 : 1;
}

async function examineText(given: TokenArguments, terminal: Terminal): Promise<ExitCode> {
  const text = await readTokenText(given.token, terminal);
  const errors = entraErrorsIn(text);
  return errors === undefined ? examineToken(given, text, terminal) : explainErrors(errors, given.json, terminal);
}

async function examineToken(given: TokenArguments, token: string, terminal: Terminal): Promise<ExitCode> {
  const { settings: configured, origin } = await configurationFor(given.configuration, terminal);
  // All steps use the same time, so that the report is consistent.
  const nowMs = given.now ?? configured.now();
  const settings = { ...configured, now: () => nowMs };
  const requirement = { scheme: given.scheme, demands: demandsOf(given) };
  const examination = await examine({ token, settings, requirement, offline: given.offline });
  const paint = paintFor(terminal.stdout, terminal.env);
  const downstream = await examineSetUp(settings, nowMs);
  const setUp = setUpLines(downstream ?? [], paint);
  terminal.stdout.write(
    given.json
      ? examinationJson(examination, { origin, nowMs, downstream })
      : examinationText(examination, { origin, nowMs, isCompared: requirement.demands.length > 0, paint, setUp }),
  );
  return exitCodeOf(examination.verdict);
}

async function reportSetUp(given: SetUpArguments, terminal: Terminal): Promise<ExitCode> {
  const { settings, origin } = await configurationFor(given.configuration, terminal);
  const items = await examineSetUp(settings, given.now ?? settings.now());
  if (items === undefined)
    throw new UsageError(`The configuration of ${origin} has no downstream: it calls no other API.`);
  const paint = paintFor(terminal.stdout, terminal.env);
  terminal.stdout.write(given.json ? setUpJson(items, origin) : setUpText(items, origin, paint));
  return faultsIn(items) === 0 ? 0 : 1;
}

async function auditRoutes(
  { module, open, json: isJson }: Extract<Arguments, { readonly kind: 'routes' }>,
  terminal: Terminal,
): Promise<ExitCode> {
  const routes = openOnPurpose(await routesIn(module, terminal.cwd), open);
  terminal.stdout.write(isJson ? routesJson(routes) : routesText(routes, paintFor(terminal.stdout, terminal.env)));
  return routes.some(isUnprotected) ? 1 : 0;
}

async function run(asked: Arguments, terminal: Terminal): Promise<ExitCode> {
  switch (asked.kind) {
    case 'help':
      terminal.stdout.write(help);
      return 0;
    case 'version':
      terminal.stdout.write(`${terminal.version()}\n`);
      return 0;
    case 'routes':
      return auditRoutes(asked, terminal);
    case 'downstream':
      return reportSetUp(asked, terminal);
    case 'token':
      return examineText(asked, terminal);
  }
}

/** Runs the command line. Errors of use and of the configuration are printed on standard error. */
export async function doctor(terminal: Terminal): Promise<ExitCode> {
  try {
    return await run(parseArguments(terminal.argv), terminal);
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof ConfigurationError)) throw error;
    terminal.stderr.write(`microsoft-identity-decorators doctor: ${escapedLines(error.message)}\n`);
    return 2;
  }
}

/** The version in the package.json above `dist/esm/`, the folder of the program. */
function versionBeside(program: string): string {
  return (createRequire(realpathSync(program))('../../package.json') as { readonly version: string }).version;
}

/** Runs the command line of a process, and exits: a loaded module may keep the process alive with a server. */
export function runInProcess(process: NodeJS.Process): void {
  const { argv, env, stdin, stderr } = process;
  // What a loaded module prints does not belong to the report, which may be JSON.
  const stdout = { isTTY: process.stdout.isTTY, write: process.stdout.write.bind(process.stdout) };
  process.stdout.write = stderr.write.bind(stderr);
  const [, program = '', ...rest] = argv;
  const terminal: Terminal = {
    argv: rest,
    env,
    stdin,
    stdout,
    stderr,
    cwd: process.cwd(),
    now: Date.now,
    fetch: globalThis.fetch,
    version: () => versionBeside(program),
  };
  let decided: ExitCode | undefined;
  // A loaded module may end the process, or wait for what never comes. That must not look like a report without findings.
  // It may also end the process while the report is being written, as Nest does with an application that cannot start.
  process.on('exit', () => {
    process.exitCode = decided ?? 2;
    if (decided !== undefined) return;
    stderr.write(
      'microsoft-identity-decorators doctor: the process ended before the report. Does the module call process.exit?\n',
    );
  });
  void doctor(terminal).then((code) => {
    decided = code;
    // `process.exit` drops output that is still being written.
    stdout.write('', () => process.exit(code));
  });
}
