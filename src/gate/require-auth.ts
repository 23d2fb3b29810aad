/** The hosts that can require a token where a route has no decorator: what the option `requireAuth` needs. */
import { ConfigurationError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';

const hosts = processWide('hosts-with-require-auth', () => new Map<string, () => void>());

/**
 * Notes that a host in use enforces `requireAuth`.
 *
 * @param prepare - is called each time the option comes into force
 */
export function enforcesRequireAuth(host: string, prepare: () => void = () => undefined): void {
  hosts.set(host, prepare);
}

/**
 * Prepares the hosts for `requireAuth`.
 *
 * @throws ConfigurationError if no host in use enforces it: routes would be open that the developer takes for closed
 */
export function prepareHosts(): void {
  if (hosts.size === 0) {
    throw new ConfigurationError(
      'initialize: requireAuth: is for routing-controllers and Nest, and neither is in use here. ' +
        'On Express, write app.use(requiresAuth()). ' +
        'On Nest, give the option to MicrosoftIdentityModule.forRoot() or forRootAsync().',
    );
  }
  for (const prepare of hosts.values()) prepare();
}
