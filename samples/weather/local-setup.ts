/** What runs in place of a tenant: a local issuer, and the second API in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { IdentityOptions } from 'microsoft-identity-decorators';
import type { TokenStore } from 'microsoft-identity-decorators/downstream';
import { startLocalIssuer } from './openid-provider/local-issuer.js';

const warningsMain = fileURLToPath(new URL('../../warnings/dist/main.js', import.meta.url));

/** Starts the second API, which reports its address when it listens, and ends with this process. */
async function startWarnings(environment: Readonly<Record<string, string>>) {
  const child = fork(warningsMain, { env: { ...process.env, ...environment, PORT: '0' } });
  const [report] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
  if (typeof report !== 'object' || report === null) throw new Error('The warnings API ended before it listened.');
  const { url } = report as { readonly url: string };
  return {
    url,
    close: () => {
      if (child.connected) child.disconnect();
    },
  };
}

/** Beside this compiled file, which no repository tracks. */
const stateFile = fileURLToPath(new URL('local-issuer.json', import.meta.url));

/** @param port - the port of the local issuer; 0 takes a free one */
export async function startLocalSetup(port: number, store: TokenStore | undefined) {
  const issuer = await startLocalIssuer({ port, stateFile });
  const { clientSecret, scopes, environment } = issuer.warnings;
  const warnings = await startWarnings(environment);
  const options: IdentityOptions = {
    ...issuer.options,
    downstream: { credential: { clientSecret }, apis: { warnings: { baseUrl: warnings.url, scopes } }, store },
  };
  return {
    options,
    signIns: issuer.signIns,
    callsWarnings: true,
    issuer,
    close: () => {
      warnings.close();
      void issuer.close();
    },
  };
}
