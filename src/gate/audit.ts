/** The audit of routes: it loads an application without its settings, and verifies no token. */
import type { Authenticator } from '../core/access/requirement.js';
import type { IdentityOptions } from '../core/configuration/options.js';
import { ConfigurationError } from '../core/errors.js';
import { createIdentity } from '../core/identity.js';
import { processWide } from '../core/process-wide.js';

const audit = processWide('audit', () => ({ isRunning: false, checkers: new Set<'own' | 'other'>() }));

/** From now on, a configuration whose ids are missing or wrong does not stop the application. */
export function beginAudit(): void {
  audit.isRunning = true;
  audit.checkers.clear();
}

export function endAudit(): void {
  audit.isRunning = false;
}

export const isAuditRunning = () => audit.isRunning;

/** Notes whether an app that is set up has an authorization checker of this library. */
export function noteChecker(isOwn: boolean): void {
  if (audit.isRunning) audit.checkers.add(isOwn ? 'own' : 'other');
}

/** Whether `@Authorized()` on a base class is asked: by the checkers of this library, and of no other app. */
export const isAskedOfBaseClasses = () => audit.checkers.has('own') && !audit.checkers.has('other');

const anyId = '00000000-0000-4000-8000-000000000000';

/**
 * The identity of options. In an audit, one that stands for wrong options: a build server has no tenant id.
 *
 * @throws ConfigurationError naming the option that is wrong
 */
export function createOrAudit(create: () => Authenticator, options: IdentityOptions | undefined): Authenticator {
  try {
    return create();
  } catch (error) {
    if (!audit.isRunning || !(error instanceof ConfigurationError)) throw error;
    const { requireAuth, resourceMetadata } = options ?? {};
    return createIdentity({ tenantId: anyId, clientId: anyId, requireAuth, resourceMetadata });
  }
}
