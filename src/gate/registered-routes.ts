/** The routes of this process, so that one whose tokens the configuration cannot check is found ahead of its first request. */
import { schemeFor } from '../core/access/scheme.js';
import type { Authenticator, Requirement } from '../core/access/requirement.js';
import { ConfigurationError } from '../core/errors.js';
import { processWide } from '../core/process-wide.js';
import { isAuditRunning } from './audit.js';
import { identityInForce } from './identity-in-force.js';
import { warnDeveloper } from './refusal.js';

interface RegisteredRoute {
  readonly requirement: Requirement;
  /** The configuration in force when it was registered. */
  readonly under: Authenticator | undefined;
}

const routes = processWide('registered-routes', () => new Map<string, RegisteredRoute>());

// An application can make middlewares for each request, also with a mistake or before it has a configuration.
const mostRoutes = 1_000;

/** What is wrong with a route under a configuration; undefined if its tokens can be checked. */
function mistakeIn(requirement: Requirement, { settings }: Authenticator): ConfigurationError | undefined {
  try {
    schemeFor(requirement, settings);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
}

function mistakesUnder(identity: Authenticator): readonly ConfigurationError[] {
  return [...routes.values()]
    .map(({ requirement }) => mistakeIn(requirement, identity))
    .filter((mistake) => mistake !== undefined);
}

/**
 * Notes what a route requires, when its host registers it. The developer is warned at once if the configuration in force
 * does not have its scheme or its policy. Its requests are refused all the same.
 */
export function noteRoute(requirement: Requirement): void {
  // The scheme of a part of a chain can come from another part.
  if (requirement.identity !== undefined || requirement.scheme === undefined) return;
  const under = identityInForce();
  const mistake = under && mistakeIn(requirement, under);
  // It fits for as long as this configuration is in force, and with the next one it would be forgotten (see watchRoutes).
  // So middlewares that are made for each request cost little and are not kept.
  if (under !== undefined && mistake === undefined) return;
  const { kind, policies } = requirement.scheme;
  const key = JSON.stringify([requirement.at, kind, policies]);
  const known = routes.get(key);
  if (known !== undefined && known.under === under) return;
  if (known === undefined && routes.size >= mostRoutes) return;
  routes.set(key, { requirement, under });
  if (mistake !== undefined && !isAuditRunning()) warnDeveloper(mistake);
}

/**
 * Warns the developer of the routes that were registered before a configuration came into force and that it does not fit, and
 * has its `ready()` reject for as long as there is one.
 */
export function watchRoutes(identity: Authenticator): void {
  // Those of an application before it, as in tests, are not this one's.
  for (const [key, { under }] of routes) if (under !== undefined) routes.delete(key);
  if (!isAuditRunning()) for (const mistake of mistakesUnder(identity)) warnDeveloper(mistake);
  identity.beforeReady(() => {
    const mistakes = identity === identityInForce() ? mistakesUnder(identity) : [];
    if (mistakes.length > 0) throw new ConfigurationError(mistakes.map(({ message }) => message).join(' '));
  });
}
