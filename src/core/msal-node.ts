/** The one import of `@azure/msal-node`, an optional peer dependency. It is loaded where `downstream` is configured, and once. */
import { ConfigurationError } from './errors.js';

export type MsalNode = typeof import('@azure/msal-node');

let loading: Promise<MsalNode> | undefined;

async function load(): Promise<MsalNode> {
  try {
    return await import('@azure/msal-node');
  } catch (cause) {
    // The package may have been installed since, in a process that keeps running.
    loading = undefined;
    throw new ConfigurationError(
      'The option downstream needs the package @azure/msal-node, which could not be loaded. Run: npm install @azure/msal-node',
      { cause },
    );
  }
}

/**
 * Loads msal-node.
 *
 * @throws ConfigurationError if it is not installed
 */
export function loadMsalNode(): Promise<MsalNode> {
  return (loading ??= load());
}
