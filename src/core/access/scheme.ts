/** Of which authority a route takes tokens. Pure functions. */
import type { Scheme, Settings } from '../configuration/settings.js';
import { ConfigurationError } from '../errors.js';
import { isSamePolicy } from './demand-names.js';
import type { Requirement, SchemeDemand } from './requirement.js';

type ConfiguredSchemes = Pick<Settings, 'entra' | 'b2c'>;

/** The scheme of a route that names none: the only one that is configured; undefined if there are two. */
export function onlyScheme({ entra, b2c }: ConfiguredSchemes): Scheme | undefined {
  if (entra !== undefined && b2c !== undefined) return undefined;
  return entra === undefined ? 'b2c' : 'entra';
}

/** The scheme of a route, for what is told about it: `any` if it names none and two are configured. */
export const schemeOrAny = (requirement: Requirement | undefined, settings: ConfiguredSchemes): SchemeDemand['kind'] =>
  requirement?.scheme?.kind ?? onlyScheme(settings) ?? 'any';

/** What a scheme lacks if it is not configured, and the options that configure it. */
const missing: Readonly<Record<SchemeDemand['kind'], readonly [what: string, options: string]>> = {
  entra: ['Entra ID, which is not configured', 'tenantId and clientId'],
  b2c: ['B2C, which is not configured', 'b2c'],
  any: ['Entra ID and B2C, which are not both configured', 'tenantId, clientId and b2c'],
};

function isConfigured(kind: SchemeDemand['kind'], settings: ConfiguredSchemes): boolean {
  return kind === 'any' ? onlyScheme(settings) === undefined : settings[kind] !== undefined;
}

const addDecorator = 'Add @RequiresAuth(), @RequiresB2cAuth() or @RequiresAnyAuth(), or the middleware of that name.';
const addMember = "Add scheme: 'entra', 'b2c' or 'any' to its requirement.";

/**
 * The scheme of a route: the one it names, else the only one that is configured.
 *
 * @throws ConfigurationError if the route names none and two are configured, or it names a scheme or a policy that is
 *   not configured
 */
export function schemeFor(
  { scheme, at = 'A route', isWhole }: Pick<Requirement, 'scheme' | 'at' | 'isWhole'>,
  settings: ConfiguredSchemes,
): SchemeDemand['kind'] {
  const kind = scheme?.kind ?? onlyScheme(settings);
  if (kind === undefined) {
    throw new ConfigurationError(
      `${at} names no scheme, and both Entra ID and B2C are configured. ${isWhole ? addMember : addDecorator}`,
    );
  }
  if (!isConfigured(kind, settings)) {
    const [what, options] = missing[kind];
    throw new ConfigurationError(`${at} takes tokens of ${what}. Set ${options}, or use another scheme.`);
  }
  const isKnown = (policy: string) => settings.b2c?.policies.some((known) => isSamePolicy(policy, known)) === true;
  if (scheme?.policies?.every(isKnown) === false) {
    throw new ConfigurationError(
      `${at} names a policy that is not among b2c.policies. Add it to that option, or correct its name.`,
    );
  }
  return kind;
}
