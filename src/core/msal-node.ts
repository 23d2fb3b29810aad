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

/** The code of an error of msal-node. Its message may name what msal-node was given, and what it was answered. */
export function codeOfMsalError(error: unknown): string {
  const { errorCode } = (error ?? {}) as { readonly errorCode?: unknown };
  return typeof errorCode === 'string' && /^[a-z_]{1,60}$/.test(errorCode) ? errorCode : 'an unknown error';
}
