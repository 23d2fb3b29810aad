/** Which names, callers and policies may a demand have, and which are equal? Here empty, blank and misspelt ones are refused. */
import { ConfigurationError } from '../errors.js';
import { isGuid } from '../guid.js';
import { isScopeToken } from '../scope-token.js';

/** What a name in a demand names. */
export type NameKind = 'scope' | 'role' | 'group';

function checkName(kind: NameKind, name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') throw new ConfigurationError(`A ${kind} name is blank.`);
  // Names of groups from Windows Server have spaces: DOMAIN\Domain Users.
  if (kind === 'group') return comparable(name);
  if (/\s/.test(name)) {
    throw new ConfigurationError(`A ${kind} name has white space. Give each name as a separate argument.`);
  }
  if (kind === 'scope') {
    if (name.includes('://')) {
      throw new ConfigurationError(
        'A scope name is a full URI. Use the short name, such as access_as_user, which is what the scp claim has.',
      );
    }
    if (name === '.default') {
      throw new ConfigurationError(
        'A scope name is .default, which clients ask for and no token has. Use the names of the scopes of this API.',
      );
    }
    if (!isScopeToken(name)) {
      throw new ConfigurationError('A scope name has a character that RFC 6749 §3.3 does not allow.');
    }
  }
  return name;
}

/** GUIDs are equal in either letter case. Other names are compared as they are. */
export function comparable(group: string): string {
  const lowerCase = group.toLowerCase();
  return isGuid(lowerCase) ? lowerCase : group;
}

/** Whether two names are of one policy: B2C ignores letter case. */
export const isSamePolicy = (left: string, right: string | undefined) => left.toLowerCase() === right?.toLowerCase();

export function checkNames(kind: NameKind, names: readonly unknown[]): readonly string[] {
  if (!Array.isArray(names)) throw new ConfigurationError(`A ${kind} takes its name, or a list of names.`);
  if (names.length === 0) throw new ConfigurationError(`At least one ${kind} name is needed.`);
  return Object.freeze(names.map((name) => checkName(kind, name)));
}

export const listed = (names: unknown): readonly unknown[] => (Array.isArray(names) ? (names as unknown[]) : [names]);

export function parseAuthContext(id: unknown): string {
  if (typeof id === 'string' && /^c[1-9]\d?$/.test(id)) return id;
  throw new ConfigurationError('An authentication context is named c1 to c99.');
}

/** A value that a claim can be demanded to have. */
export type ClaimValue = string | number | boolean;

/** Claims of directory extensions and of other systems have names of any form, URLs among them. */
export function parseClaimName(name: unknown): string {
  if (typeof name !== 'string' || name.trim() === '') throw new ConfigurationError('A claim name is blank.');
  if (/\s/.test(name)) throw new ConfigurationError('A claim name has white space.');
  return name;
}

/** The values of a claim. A value that is missing is refused: without values, any value is accepted. */
export function parseClaimValues(values: readonly unknown[]): readonly ClaimValue[] {
  return Object.freeze(
    values.map((value) => {
      if (typeof value === 'boolean' || Number.isFinite(value)) return value as ClaimValue;
      if (typeof value === 'string' && value.trim() !== '') return value;
      throw new ConfigurationError('A value of a claim is blank, or is no number.');
    }),
  );
}

export function parseCallers(callers: unknown): Callers | undefined {
  if (callers === undefined || callers === 'user' || callers === 'app' || callers === 'any') return callers;
  throw new ConfigurationError("callers takes 'user', 'app' or 'any'.");
}

export function parsePolicies(policy: unknown): readonly string[] | undefined {
  if (policy === undefined) return undefined;
  const names: unknown = typeof policy === 'string' ? [policy] : policy;
  if (!Array.isArray(names) || names.length === 0) throw new ConfigurationError('At least one policy name is needed.');
  return Object.freeze(
    names.map((name: unknown) => {
      if (typeof name === 'string' && name !== '' && !/\s/.test(name)) return name;
      throw new ConfigurationError('A policy name is blank or has white space.');
    }),
  );
}

/** Who may call: people, applications on their own behalf, or both. */
export type Callers = 'user' | 'app' | 'any';
