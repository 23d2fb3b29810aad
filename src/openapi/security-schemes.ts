/** The security schemes of OpenAPI 3 for what is configured. */
import type { Authenticator, MicrosoftIdentity } from '../core/access/requirement.js';
import type { Scheme, Settings } from '../core/configuration/settings.js';
import { checkArguments } from '../core/call-arguments.js';
import { ConfigurationError } from '../core/errors.js';
import { b2cChallenge, entraChallenge } from '../core/issuers/authority.js';
import { appIdUriOf } from '../core/issuers/resource-metadata.js';
import { authenticatorOf, identityInForce } from '../gate/identity-in-force.js';

/** A `securityScheme` of OpenAPI 3: OAuth 2.0, with the authorization code flow. */
export interface OAuth2SecurityScheme {
  readonly type: 'oauth2';
  readonly description: string;
  readonly flows: {
    readonly authorizationCode: {
      readonly authorizationUrl: string;
      readonly tokenUrl: string;
      /** The description of each scope, by its full name. */
      readonly scopes: Readonly<Record<string, string>>;
      readonly 'x-usePkce': 'SHA-256';
    };
  };
}

/** What a document has beside the settings. */
export interface SecurityOptions {
  /** What `initialize` or `createMicrosoftIdentity` returned. Default: the configuration in force. */
  readonly identity?: MicrosoftIdentity | undefined;
  /** The description of each scope, by its short name. */
  readonly scopes?: Readonly<Record<string, string>> | undefined;
  /**
   * The Application ID URIs, with which full scope names begin. Default: `api://<client id>`, and for B2C
   * `https://<domain name>.onmicrosoft.com/<client id>`.
   */
  readonly appIdUri?: Readonly<Partial<Record<Scheme, string | undefined>>> | undefined;
  /** A prefix for the names of security schemes, where an API has two configurations. Default: none. */
  readonly prefix?: string | undefined;
}

/**
 * Refuses options that would be ignored.
 *
 * @param name - of the function that they were given to
 * @param others - what it takes beside them, for messages
 * @throws ConfigurationError that shows how the function is called
 */
export function checkSecurityOptions(name: string, others: string, options: unknown, known: readonly string[]): void {
  checkArguments(name, [options], { examples: [`${others}, { scopes, appIdUri, prefix }`], most: 1, options: known });
  const { appIdUri } = (options ?? {}) as SecurityOptions;
  checkArguments(name, [appIdUri], {
    examples: [`${others}, { appIdUri: { entra: 'api://weather' } }`],
    most: 1,
    options: ['entra', 'b2c'],
  });
}

export function identityToDescribe({ identity }: SecurityOptions): Authenticator {
  const found = identity === undefined ? identityInForce() : authenticatorOf(identity);
  if (found === undefined) {
    throw new ConfigurationError(
      'withSecurity() or securitySchemes() was called before initialize(). Call initialize() first, or pass an identity.',
    );
  }
  return found;
}

/** An authority of the configuration, and its security scheme in a document. */
export interface Entry {
  readonly name: string;
  readonly scheme: Scheme;
  readonly policy: string | undefined;
  readonly authorizationUrl: string;
  readonly description: string;
  readonly fullName: (scope: string) => string;
}

export function entriesOf({ entra, b2c }: Settings, { appIdUri = {}, prefix = '' }: SecurityOptions): readonly Entry[] {
  const entries: Entry[] = [];
  if (entra !== undefined) {
    const uri = appIdUri.entra ?? appIdUriOf(entra);
    entries.push({
      name: `${prefix}entra`,
      scheme: 'entra',
      policy: undefined,
      authorizationUrl: entraChallenge(entra).authorizationUri,
      description: 'An access token of Microsoft Entra ID.',
      fullName: (scope) => `${uri}/${scope}`,
    });
  }
  if (b2c === undefined) return entries;
  const uri = appIdUri.b2c ?? appIdUriOf(b2c);
  const ofPolicies = b2c.policies.map((policy): Entry => ({
    name: `${prefix}b2c-${policy}`,
    scheme: 'b2c',
    policy,
    authorizationUrl: b2cChallenge(b2c, policy, b2c.instances[0] ?? '').authorizationUri,
    description: `An access token of Azure AD B2C, of the policy ${policy}.`,
    fullName: (scope) => `${uri}/${scope}`,
  }));
  return [...entries, ...ofPolicies];
}

/** The description of each scope, by its short name. */
type Scopes = ReadonlyMap<string, string>;

export const scopesIn = ({ scopes = {} }: SecurityOptions) => new Map(Object.entries(scopes));

function schemeOf(entry: Entry, scopes: Scopes): OAuth2SecurityScheme {
  const { authorizationUrl, description, fullName } = entry;
  return {
    type: 'oauth2',
    description,
    flows: {
      authorizationCode: {
        authorizationUrl,
        tokenUrl: authorizationUrl.replace(/authorize$/, 'token'),
        scopes: Object.fromEntries([...scopes].map(([scope, meaning]) => [fullName(scope), meaning])),
        'x-usePkce': 'SHA-256',
      },
    },
  };
}

export const schemesOf = (entries: readonly Entry[], scopes: Scopes) =>
  Object.fromEntries(entries.map((entry) => [entry.name, schemeOf(entry, scopes)]));

/**
 * The `securitySchemes` of OpenAPI 3 for what is configured: `entra`, and `b2c-<policy>` for each policy of B2C. Each has
 * the authorization code flow with PKCE.
 *
 * @param identity - what `initialize` or `createMicrosoftIdentity` returned; default: the configuration in force
 * @param options - the scopes with a description, the Application ID URIs, and a prefix for the names
 * @throws ConfigurationError before `initialize`
 * @see {@link https://spec.openapis.org/oas/v3.0.3#oauth-flow-object OAuth Flow Object}
 * @example
 * ```ts
 * import { initialize, securitySchemes } from 'microsoft-identity-decorators';
 *
 * const identity = initialize();
 * securitySchemes(identity, { scopes: { access_as_user: 'Read the weather in your name' } });
 * ```
 */
export function securitySchemes(
  identity?: MicrosoftIdentity,
  options: Omit<SecurityOptions, 'identity'> = {},
): Readonly<Record<string, OAuth2SecurityScheme>> {
  checkSecurityOptions('securitySchemes', 'identity', options, ['scopes', 'appIdUri', 'prefix']);
  const { settings } = identityToDescribe({ identity });
  return schemesOf(entriesOf(settings, options), scopesIn(options));
}
