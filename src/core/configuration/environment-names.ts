/** Which environment variables are read, which mean nothing to an API, and which are refused? */

/** A variable as it is written, and its value without the white space around it. */
export interface Variable {
  readonly name: string;
  readonly value: string;
}

interface Section {
  /** The names that are read, each with one value. */
  readonly values: readonly string[];
  /** The names that are read, each with one value, values between commas, or values by numbers: `Audiences__0`. */
  readonly lists: readonly string[];
  /** Names that have a meaning to Microsoft.Identity.Web and cannot have it here, and what to do instead. */
  readonly refused: Readonly<Record<string, string>>;
}

const audiences = [
  'Audience',
  'Audiences',
  'TokenValidationParameters__ValidAudience',
  'TokenValidationParameters__ValidAudiences',
];

const refused = {
  Scopes: 'Remove it, and write @ValidateScope() on the routes.',
  Scope: 'Remove it, and write @ValidateScope() on the routes.',
  AppPermissions: 'Remove it, and write @RequiresRole() or @RequiresScopeOrAppPermission() on the routes.',
  TokenDecryptionCredentials: 'Remove it: encrypted tokens are not accepted.',
  TokenDecryptionCertificates: 'Remove it: encrypted tokens are not accepted.',
  AllowWebApiToBeAuthorizedByACL: 'Remove it: a token needs a scope or an app role. See also AllowedClients.',
};

/** The sections, by their names. */
const sections: Readonly<Record<string, Section>> = {
  AzureAd: {
    values: ['TenantId', 'ClientId', 'Instance', 'Authority'],
    lists: [...audiences, 'AllowedClients', 'AllowedTenants'],
    refused: {
      ...refused,
      SignUpSignInPolicyId: 'It belongs to Azure AD B2C: write AzureAdB2C__SignUpSignInPolicyId.',
      Policies: 'It belongs to Azure AD B2C: write AzureAdB2C__Policies.',
      DaemonClients: 'It belongs to Azure AD B2C: write AzureAdB2C__DaemonClients.',
    },
  },
  AzureAdB2C: {
    values: ['Domain', 'TenantName', 'TenantId', 'ClientId', 'Instance', 'Authority'],
    lists: [...audiences, 'Policies', 'SignUpSignInPolicyId', 'AllowedClients', 'DaemonClients'],
    refused: { ...refused, AllowedTenants: 'Remove it: B2C has one tenant, AzureAdB2C__TenantId.' },
  },
};

/** Names, in both sections, that are for the sign-in of people, for tokens of other APIs, or for logs. */
const unused: readonly string[] = [
  // Sign-in and sign-out in a web app
  'CallbackPath',
  'RemoteSignOutPath',
  'SignedOutCallbackPath',
  'SignedOutRedirectUri',
  'RedirectUri',
  'PostLogoutRedirectUri',
  'AccessDeniedPath',
  'ErrorPath',
  'ResetPasswordPath',
  'EditProfilePolicyId',
  'ResetPasswordPolicyId',
  'Domain',
  'Prompt',
  'ResponseMode',
  'ResponseType',
  'SaveTokens',
  'UsePkce',
  'WithSpaAuthCode',
  'GetClaimsFromUserInfoEndpoint',
  // Tokens for other APIs. The option `downstream` reads some of them.
  'ClientSecret',
  'ClientCertificates',
  'ClientCredentials',
  'ClientCredentialsUsingManagedIdentity',
  'UserAssignedManagedIdentityClientId',
  'ClientCapabilities',
  'ExtraQueryParameters',
  'AppHomeTenantId',
  'AzureRegion',
  'SendX5C',
  'LegacyCacheCompatibilityEnabled',
  'UseFastUnboundedCache',
  'PartitionAppTokenCacheByAudience',
  'DisableInternalCache',
  'EnableCacheSynchronization',
  // Logs, names, and how .NET shows claims and errors
  'Name',
  'ClientName',
  'ClientVersion',
  'EnablePiiLogging',
  'IsDefaultPlatformLoggingEnabled',
  'LogLevel',
  'Challenge',
  'IncludeErrorDetails',
  'MapInboundClaims',
  'SaveToken',
  'TokenValidationParameters__NameClaimType',
  'UseSecurityTokenValidators',
  // Metadata: it is always loaded over https, and refreshed by rules of its own
  'RequireHttpsMetadata',
  'RefreshOnIssuerKeyNotFound',
  'AutomaticRefreshInterval',
  'RefreshInterval',
  'BackchannelTimeout',
];

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
  if (unused.some((known) => isOrIsBelow(rest, known))) return undefined;
  const meant = nearest(rest, [...names.values, ...names.lists, ...unused]);
  const hint = meant === undefined ? '' : ` The nearest name is ${section}__${meant}.`;
  return `${name} is not a name that is read, and it may be a restriction.${hint} Correct it, or remove it.`;
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
  Object.keys(sections).some((section) => keyOf(name).startsWith(`${keyOf(section)}__`));

/** The ends of names that only restrict who may call: without them, all else works. */
const restrictions = ['AllowedClients', 'AllowedTenants', 'DaemonClients'];

function problemOutside({ name, value }: Variable): string | undefined {
  const meant = value === '' ? undefined : nameMeantBy(name.replace(/_*\d+$/, ''));
  if (meant === undefined || !restrictions.some((end) => meant.endsWith(`__${end}`))) return undefined;
  return `${name} is not read, and it is a restriction: write ${meant}, or remove it.`;
}

/** Why a variable is refused; undefined where it is read, means nothing to an API, or belongs to no section. */
export function problemWith(variable: Variable): string | undefined {
  const key = keyOf(variable.name);
  const found = Object.entries(sections).find(([section]) => key.startsWith(`${keyOf(section)}__`));
  if (found === undefined) return problemOutside(variable);
  return problemIn(...found, key.slice(found[0].length + '__'.length), variable);
}
