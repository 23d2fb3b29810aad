/** The names of environment variables, by their sections. They are those of Microsoft.Identity.Web. */

/** Names after a common beginning. */
export interface Section {
  /** The names that are read, each with one value. */
  readonly values: readonly string[];
  /** The names that are read, each with one value, values between commas, or values by numbers: `Audiences__0`. */
  readonly lists: readonly string[];
  /** Names that have a meaning to Microsoft.Identity.Web and cannot have it here, and what to do instead. */
  readonly refused: Readonly<Record<string, string>>;
  /** Names that are passed over, with all below them. */
  readonly unused: readonly string[];
  /** Whether a name that is not known may be a restriction of who may call. */
  readonly mayRestrict: boolean;
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

/** The sections, by their names. */
export const sections: Readonly<Record<string, Section>> = {
  AzureAd: {
    values: ['TenantId', 'ClientId', 'Instance', 'Authority'],
    lists: [...audiences, 'AllowedClients', 'AllowedTenants'],
    refused: {
      ...refused,
      SignUpSignInPolicyId: 'It belongs to Azure AD B2C: write AzureAdB2C__SignUpSignInPolicyId.',
      Policies: 'It belongs to Azure AD B2C: write AzureAdB2C__Policies.',
      DaemonClients: 'It belongs to Azure AD B2C: write AzureAdB2C__DaemonClients.',
    },
    unused,
    mayRestrict: true,
  },
  AzureAdB2C: {
    values: ['Domain', 'TenantName', 'TenantId', 'ClientId', 'Instance', 'Authority'],
    lists: [...audiences, 'Policies', 'SignUpSignInPolicyId', 'AllowedClients', 'DaemonClients'],
    refused: { ...refused, AllowedTenants: 'Remove it: B2C has one tenant, AzureAdB2C__TenantId.' },
    unused,
    mayRestrict: true,
  },
};

/** The section of the APIs that are called. A name is below it: `DownstreamApis__graph__BaseUrl`. */
export const apisPrefix = 'DownstreamApis';

const inCode =
  'Remove it, and set it by the option downstream: initialize({ ...optionsFromEnvironment(), downstream }).';
const atTheCall = 'Remove it, and give it to the call: get(path), post(path, body).';

/** What is read of each API. */
export const apiSection: Section = {
  values: ['BaseUrl'],
  lists: ['Scopes'],
  refused: {
    RelativePath: atTheCall,
    HttpMethod: atTheCall,
    RequestAppToken: 'Remove it, and write @AsApplication() or asApplication().',
    TenantId: inCode,
    TimeoutMs: inCode,
    Headers: inCode,
  },
  unused: [],
  mayRestrict: false,
};
