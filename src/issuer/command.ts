/** The command `microsoft-identity-decorators issuer`: a tenant on this machine, for development. */
import { localIssuer, type LocalIssuer } from '../testing/test-issuer.js';
import { readTenantState } from '../testing/tenant-state.js';
import { help, parseArguments, UsageError, type ServerArguments, type TokenArguments } from './arguments.js';
import { peopleWith } from './people.js';
import { stateFileFor } from './state-file.js';

/** 0: it did what was asked; 1: it could not; 2: the command line is wrong. */
type ExitCode = 0 | 1 | 2;

const firstPort = 4400;

function tokenOf(issuer: LocalIssuer, asked: TokenArguments): Promise<string> {
  const { of, isV1, policy, scopes, roles, groups, audience } = asked;
  const scp = scopes.length === 0 ? undefined : scopes.join(' ');
  const added = { ...asked.claims, ...(audience !== undefined && { aud: audience }) };
  if (of === 'policy') return issuer.b2cToken({ ...added, scp, tfp: policy });
  const whereAny = (list: readonly string[]) => (list.length === 0 ? undefined : list);
  const claims = { ...added, roles: whereAny(roles), groups: whereAny(groups) };
  if (of === 'person') return isV1 ? issuer.v1Token({ ...claims, scp }) : issuer.token({ ...claims, scp });
  return isV1 ? issuer.v1AppToken(claims) : issuer.appToken(claims);
}

/** All that is printed is a file of variables: whatever is no variable is a comment. */
function greeting(issuer: LocalIssuer, policies: readonly string[], stateFile: string, end: string): string {
  const { options, b2cOptions, downstreamOptions, url } = issuer;
  const b2c = [
    '',
    `AzureAdB2C__Instance=${b2cOptions.instance}`,
    `AzureAdB2C__Domain=${b2cOptions.domainName}.onmicrosoft.com`,
    `AzureAdB2C__TenantId=${b2cOptions.tenantId}`,
    `AzureAdB2C__ClientId=${b2cOptions.clientId}`,
    `AzureAdB2C__Policies=${policies.join(',')}`,
  ];
  const lines = [
    '# A tenant on this machine, in place of Microsoft Entra ID. For development only.',
    '# Set these variables for your API. initialize() reads them.',
    '',
    `AzureAd__Instance=${options.instance}`,
    `AzureAd__TenantId=${options.tenantId}`,
    `AzureAd__ClientId=${options.clientId}`,
    `AzureAd__ClientSecret=${downstreamOptions.credential.clientSecret}`,
    ...(policies.length === 0 ? [] : b2c),
    '',
    '# A token:   TOKEN=$(npx microsoft-identity-decorators issuer --token --scope access_as_user)',
    `# A sign-in: ${url}/${options.tenantId}/v2.0, scopes api://${options.clientId}/...`,
    `# Kept in:   ${stateFile}`,
    '#',
    `# ${end}`,
  ];
  return `${lines.join('\n')}\n`;
}

interface Place {
  readonly stateFile: string;
  /** The port of the last start. */
  readonly kept: number;
}

// The life of a token is an hour.
const twoHoursAgo = () => Date.now() - 2 * 60 * 60 * 1000;

const longestAnswerMs = 2_000;

/** Whether this issuer runs already, in another process: its tenant answers there. */
async function isRunning({ url, options }: LocalIssuer): Promise<boolean> {
  const authority = `${url}/${options.tenantId}/v2.0`;
  try {
    const response = await fetch(`${authority}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(longestAnswerMs),
    });
    return ((await response.json()) as { readonly issuer?: unknown } | null)?.issuer === authority;
  } catch {
    // Nothing listens there, or what does is no issuer.
    return false;
  }
}

/** Prints the variables of an issuer that runs already, for a second `issuer > issuer.env`. */
function printAgain(
  issuer: LocalIssuer,
  { port, policies, roles }: ServerArguments,
  { stateFile, kept }: Place,
  { stdout, stderr }: NodeJS.Process,
): ExitCode {
  const runs = `The issuer of this project already runs on ${issuer.url}.`;
  const change = port !== undefined && port !== kept ? '--port' : roles.length > 0 ? '--role' : undefined;
  if (change !== undefined) {
    stderr.write(`${runs} Stop it first: ${change} is for its start.\n`);
    return 1;
  }
  stdout.write(greeting(issuer, policies, stateFile, `${runs} Stop it in the terminal where it was started.`));
  stderr.write(`${runs} Its variables were printed.\n`);
  return 0;
}

async function printToken(
  asked: TokenArguments,
  { stateFile, kept }: Place,
  { stdout }: NodeJS.Process,
): Promise<ExitCode> {
  const issuer = await localIssuer({ stateFile, port: kept, now: asked.isExpired ? twoHoursAgo : Date.now });
  stdout.write(`${await tokenOf(issuer, asked)}\n`);
  return 0;
}

/** Serves until a signal ends it. */
async function serve(asked: ServerArguments, place: Place, process: NodeJS.Process): Promise<ExitCode> {
  const { policies, roles } = asked;
  const { stateFile, kept } = place;
  const settings = { stateFile, signIn: { people: peopleWith(roles) }, ...(policies.length > 0 && { policies }) };
  const last = await localIssuer({ ...settings, port: kept });
  if (await isRunning(last)) return printAgain(last, asked, place, process);
  const { port = kept } = asked;
  const issuer = await localIssuer({ ...settings, port }, true);
  const ended = new Promise((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
  });
  try {
    await issuer.listen();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    process.stderr.write(
      `Port ${String(port)} is in use, perhaps by the issuer of another project. Set another one with --port.\n`,
    );
    return 1;
  }
  process.stdout.write(greeting(issuer, policies, stateFile, `Listening on ${issuer.url}. Press Ctrl+C to stop.`));
  await ended;
  await issuer.close();
  return 0;
}

async function run(argv: readonly string[], process: NodeJS.Process): Promise<ExitCode> {
  const asked = parseArguments(argv);
  if (asked.kind === 'help') {
    process.stdout.write(help);
    return 0;
  }
  const stateFile = stateFileFor(process.cwd(), process.env);
  const kept = (await readTenantState(stateFile))?.port ?? firstPort;
  const place = { stateFile, kept };
  return asked.kind === 'token' ? printToken(asked, place, process) : serve(asked, place, process);
}

/** Runs the command of a process, and sets its exit code. */
export async function runIssuer(process: NodeJS.Process): Promise<void> {
  try {
    process.exitCode = await run(process.argv.slice(3), process);
  } catch (error) {
    const { message } = error as Error;
    const isUsage = error instanceof UsageError;
    const hint = isUsage ? 'See microsoft-identity-decorators issuer --help.\n' : '';
    process.stderr.write(`microsoft-identity-decorators issuer: ${message}\n${hint}`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
