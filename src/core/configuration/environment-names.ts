/** Which environment variables are read, which mean nothing to an API, and which are refused? */
import { apiSection, apisPrefix, sections, type Section } from './environment-sections.js';

/** A variable as it is written, and its value without the white space around it. */
export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** A name as keys of .NET's configuration are compared: case does not matter, and a colon is a double underscore. */
export const keyOf = (name: string) => name.replaceAll(':', '__').toLowerCase();

/** The key of a list, without the number of an item. */
export const withoutNumber = (key: string) => key.replace(/__\d+$/, '');

/** How many characters are left of the longer text, without the beginning and the end that both have. */
function unlikeness(one: string, other: string): number {
  const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
  let start = 0;
  while (start < shorter.length && shorter[start] === longer[start]) start++;
  let end = 0;
  while (end < shorter.length - start && shorter.at(-1 - end) === longer.at(-1 - end)) end++;
  return longer.length - start - end;
}

const mostUnlike = 3;

function nearest(rest: string, names: readonly string[]): string | undefined {
  const ranked = names.map((name) => ({ name, unlikeness: unlikeness(keyOf(name), rest) }));
  const [best] = ranked.sort((one, other) => one.unlikeness - other.unlikeness);
  return best !== undefined && best.unlikeness <= mostUnlike ? best.name : undefined;
}

const isOrIsBelow = (rest: string, known: string) => rest === keyOf(known) || rest.startsWith(`${keyOf(known)}__`);

function problemIn(section: string, names: Section, rest: string, { name, value }: Variable): string | undefined {
  const isRead =
    names.values.some((known) => rest === keyOf(known)) ||
    names.lists.some((known) => withoutNumber(rest) === keyOf(known));
  if (isRead || value === '') return undefined;
  const [, remedy] = Object.entries(names.refused).find(([known]) => isOrIsBelow(rest, known)) ?? [];
  if (remedy !== undefined)
    return value.toLowerCase() === 'false' ? undefined : `${name} has no meaning here. ${remedy}`;
  if (names.unused.some((known) => isOrIsBelow(rest, known))) return undefined;
  const meant = nearest(rest, [...names.values, ...names.lists, ...names.unused]);
  const hint = meant === undefined ? '' : ` The nearest name is ${section}__${meant}.`;
  const risk = names.mayRestrict ? ', and it may be a restriction' : '';
  return `${name} is not a name that is read${risk}.${hint} Correct it, or remove it.`;
}

/** A name without what separates its words. */
const wordsOf = (name: string) => name.replaceAll(/[_:.-]/g, '').toLowerCase();

/** The names that are read, by their words: each variable of the process is compared when an application starts. */
const namesByWords = new Map(
  Object.entries(sections)
    .flatMap(([section, { values, lists }]) => [...values, ...lists].map((known) => `${section}__${known}`))
    .map((name) => [wordsOf(name), name]),
);

/**
 * The name that is read and differs from another one by underscores alone: `AzureAd__TenantId` for `AzureAd_TenantId`.
 *
 * @returns undefined where there is none, or the name is itself in a section
 */
export function nameMeantBy(name: string): string | undefined {
  return isInSection(name) ? undefined : namesByWords.get(wordsOf(name));
}

/** Whether a variable belongs to one of the sections. */
export const isInSection = (name: string) =>
  [...Object.keys(sections), apisPrefix].some((section) => keyOf(name).startsWith(`${keyOf(section)}__`));

/** A variable of an API, such as `DownstreamApis__graph__BaseUrl`. */
export interface ApiVariable {
  /** The name of the API, as it is written. */
  readonly api: string;
  /** The key of what is set. */
  readonly member: string;
}

/** @returns undefined where it does not name an API and what is set of it */
export function apiVariableOf(name: string): ApiVariable | undefined {
  const [, api, member] = /^DownstreamApis__([^_](?:_?[^_])*)__(.+)$/i.exec(name.replaceAll(':', '__')) ?? [];
  return api === undefined || member === undefined ? undefined : { api, member: keyOf(member) };
}

const ofOneApi = `${apisPrefix}__<name>__BaseUrl or ${apisPrefix}__<name>__Scopes`;

function problemOfApi(variable: Variable): string | undefined {
  const { name, value } = variable;
  const named = apiVariableOf(name);
  if (named !== undefined) return problemIn(`${apisPrefix}__${named.api}`, apiSection, named.member, variable);
  return value === '' ? undefined : `${name} is not a name that is read. Write ${ofOneApi}, or remove it.`;
}

/** Whether a name is nearly one of an API: a letter or underscores differ, and it ends as the names that are read. */
function isNearlyOfApi(name: string): boolean {
  const words = wordsOf(name);
  if (/^downstreamapis.+(?:baseurl|scopes?)\d*$/.test(words)) return true;
  const [beginning = '', ...rest] = keyOf(name).split('__');
  // DOWNSTREAM_API_STOCK_BASE_URL may be a name of the application's own.
  if (rest.length === 0 || !/(?:baseurl|scopes?)\d*$/.test(words)) return false;
  return unlikeness(wordsOf(beginning), keyOf(apisPrefix)) <= 1 || words.startsWith(keyOf('DownstreamApi'));
}

/** The ends of names that only restrict who may call: without them, all else works. */
const restrictions = ['AllowedClients', 'AllowedTenants', 'DaemonClients'];

function problemOutside({ name, value }: Variable): string | undefined {
  if (value !== '' && isNearlyOfApi(name)) return `${name} is not read: write ${ofOneApi}, or remove it.`;
  const meant = value === '' ? undefined : nameMeantBy(name.replace(/_*\d+$/, ''));
  if (meant === undefined || !restrictions.some((end) => meant.endsWith(`__${end}`))) return undefined;
  return `${name} is not read, and it is a restriction: write ${meant}, or remove it.`;
}

/** Why a variable is refused; undefined where it is read, means nothing to an API, or belongs to no section. */
export function problemWith(variable: Variable): string | undefined {
  const key = keyOf(variable.name);
  const found = Object.entries(sections).find(([section]) => key.startsWith(`${keyOf(section)}__`));
  if (found === undefined) return isInSection(variable.name) ? problemOfApi(variable) : problemOutside(variable);
  return problemIn(...found, key.slice(found[0].length + '__'.length), variable);
}
