/** The audit of routes: it loads an application without its settings, and verifies no token. */
import type { Authenticator } from '../core/access/requirement.js';
import type { IdentityOptions } from '../core/configuration/options.js';
import { ConfigurationError } from '../core/errors.js';
import { createIdentity } from '../core/identity.js';
import { loadMsalNode } from '../core/msal-node.js';
import { processWide } from '../core/process-wide.js';

const audit = processWide('audit', () => ({
  isRunning: false,
  checkers: new Set<'own' | 'other'>(),
  identities: new Set<Authenticator>(),
}));

/** From now on, a configuration whose ids are missing or wrong does not stop the application. */
export function beginAudit(): void {
  audit.isRunning = true;
  audit.checkers.clear();
  audit.identities.clear();
}

export function endAudit(): void {
  audit.isRunning = false;
}

/** The configurations that the application created, without those that stand for wrong options. */
export const auditedIdentities = (): readonly Authenticator[] => [...audit.identities];

export const isAuditRunning = () => audit.isRunning;

/** Notes whether an app that is set up has an authorization checker of this library. */
export function noteChecker(isOwn: boolean): void {
  if (audit.isRunning) audit.checkers.add(isOwn ? 'own' : 'other');
}

/** Whether `@Authorized()` on a base class is asked: by the checkers of this library, and of no other app. */
export const isAskedOfBaseClasses = () => audit.checkers.has('own') && !audit.checkers.has('other');

const anyId = '00000000-0000-4000-8000-000000000000';

/** An identity whose `ready()` makes the checks that need no network, and sends no request. */
function withoutRequests(identity: Authenticator): Authenticator {
  audit.identities.add(identity);
  const checks: (() => void)[] = [];
  return Object.assign(identity, {
    beforeReady(check: () => void) {
      checks.push(check);
    },
    async ready() {
      for (const check of checks) check();
      if (identity.settings.downstream !== undefined) await loadMsalNode();
    },
  });
}

/** The identity that stands for wrong options in an audit: a build server has no tenant id. No route has to fit it. */
function standIn({ requireAuth, resourceMetadata }: IdentityOptions): Authenticator {
  const identity = createIdentity({ tenantId: anyId, clientId: anyId, requireAuth, resourceMetadata });
  return Object.assign(identity, { ready: () => Promise.resolve() });
}

/**
 * The identity of options. In an audit it sends no request when it is made ready, and wrong options have one that stands for
 * them.
 *
 * @throws ConfigurationError naming the option that is wrong
 */
export function createOrAudit(create: () => Authenticator, options: IdentityOptions | undefined): Authenticator {
  if (!audit.isRunning) return create();
  try {
    return withoutRequests(create());
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return standIn(options ?? {});
  }
}
