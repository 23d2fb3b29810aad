/** The command `microsoft-identity-decorators issuer`: a tenant on this machine, for development. */
import { localIssuer, type LocalIssuer, type TestIssuerSettings } from '../testing/test-issuer.js';
import { readTenantState } from '../testing/tenant-state.js';
import { help, parseArguments, UsageError, type ServerArguments, type TokenArguments } from './arguments.js';
import { peopleWith } from './people.js';
import { stateFileFor } from './state-file.js';

/** 0: it did what was asked; 1: it could not; 2: the command line is wrong. */
type ExitCode = 0 | 1 | 2;

/** The ports of first starts. Each project keeps one of its own. */
const firstPort = 4400;
const lastFirstPort = 4499;

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
    `# For MSAL:  authority ${url}/${options.tenantId}/v2.0, client id ${options.clientId},`,
    `#            scopes api://${options.clientId}/...`,
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
  /** Whether no start has kept a port so far. */
  readonly isFirstStart: boolean;
}

// The life of a token is an hour.
const twoHoursAgo = () => Date.now() - 2 * 60 * 60 * 1000;

const longestAnswerMs = 2_000;

/** Whether this issuer runs already, in another process: its tenant answers there. */
async function isRunning({ url, options }: LocalIssuer): Promise<boolean> {
  const authority = `${url}/${options.tenantId}/v2.0`;
  const controller = new AbortController();
  // Not AbortSignal.timeout(): its timer does not keep the process alive, and neither does fetch() where the other side
  // closed the connection at once. Node would end with status 13.
  const timer = setTimeout(() => {
    controller.abort();
  }, longestAnswerMs);
  try {
    const response = await fetch(`${authority}/.well-known/openid-configuration`, { signal: controller.signal });
    return ((await response.json()) as { readonly issuer?: unknown } | null)?.issuer === authority;
  } catch {
    // Nothing listens there, or what does is no issuer.
    return false;
  } finally {
    clearTimeout(timer);
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

/** The ports to try, in this order. Only a project that has no port yet may take another than the first of them. */
function portsFor({ port }: ServerArguments, { kept, isFirstStart }: Place): readonly [number, ...number[]] {
  if (port !== undefined) return [port];
  if (!isFirstStart) return [kept];
  return [kept, ...Array.from({ length: lastFirstPort - kept }, (_, index) => kept + index + 1)];
}

/** The issuer, listening on the first of the ports that is free; undefined where none is. */
async function listening(settings: TestIssuerSettings, ports: readonly number[]): Promise<LocalIssuer | undefined> {
  for (const port of ports) {
    try {
      return await (await localIssuer({ ...settings, port }, true)).listen();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  return undefined;
}

/** Serves until a signal ends it. */
async function serve(asked: ServerArguments, place: Place, process: NodeJS.Process): Promise<ExitCode> {
  const { policies, roles } = asked;
  const { stateFile, kept } = place;
  const settings: TestIssuerSettings = {
    stateFile,
    signIn: { people: peopleWith(roles) },
    ...(policies.length > 0 && { policies }),
  };
  if (!place.isFirstStart) {
    const last = await localIssuer({ ...settings, port: kept });
    if (await isRunning(last)) return printAgain(last, asked, place, process);
  }
  const ports = portsFor(asked, place);
  const ended = new Promise((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
  });
  const issuer = await listening(settings, ports);
  const inUse = `Port ${String(ports[0])} is in use, perhaps by the issuer of another project.`;
  if (issuer === undefined) {
    process.stderr.write(`${inUse} Set another one with --port.\n`);
    return 1;
  }
  if (issuer.port !== ports[0])
    process.stderr.write(`${inUse} This project has port ${String(issuer.port)} from now on.\n`);
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
  const kept = (await readTenantState(stateFile))?.port;
  const place = { stateFile, kept: kept ?? firstPort, isFirstStart: kept === undefined };
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
