/** Where does the issuer of the command line keep its ids and keys? */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The nearest folder, from one upward, whose packages are installed. */
function projectOf(folder: string): string | undefined {
  if (existsSync(join(folder, 'node_modules'))) return folder;
  const above = dirname(folder);
  return above === folder ? undefined : projectOf(above);
}

function cacheOfUser({ XDG_CACHE_HOME, LOCALAPPDATA }: Environment): string {
  return XDG_CACHE_HOME ?? LOCALAPPDATA ?? join(homedir(), '.cache');
}

/** In the project of a folder, or without a project in the cache folder of the user. No repository tracks either. */
export function stateFileFor(folder: string, environment: Environment): string {
  const project = projectOf(folder);
  const cache = project === undefined ? cacheOfUser(environment) : join(project, 'node_modules', '.cache');
  return join(cache, 'microsoft-identity-decorators', 'issuer.json');
}
