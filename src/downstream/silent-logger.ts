/** msal-node writes no log: its lines name users, tenants and endpoints. */
import type { Configuration } from '@azure/msal-node';
import type { MsalNode } from '../core/msal-node.js';

type LoggerOptions = NonNullable<NonNullable<Configuration['system']>['loggerOptions']>;

export const silentLogger = ({ LogLevel }: Pick<MsalNode, 'LogLevel'>): LoggerOptions => ({
  loggerCallback: () => undefined,
  logLevel: LogLevel.Error,
  piiLoggingEnabled: false,
});
