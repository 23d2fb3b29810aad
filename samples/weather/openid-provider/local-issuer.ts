/**
 * A local issuer in place of Microsoft's, so that the sample runs with no tenant and no network: one Entra ID tenant, and
 * one policy of an Azure AD B2C tenant. It is the one of the package, as in `npx microsoft-identity-decorators issuer`.
 */
import type { IdentityOptions } from 'microsoft-identity-decorators';
import { startTestIssuer, tokenError, type UserPolicy } from 'microsoft-identity-decorators/testing';
import type { SignIns } from '../sign-in-settings.js';
import { colleagues, customers } from './people.js';
import { hasSecondFactor, secondFactorRequest } from './second-factor.js';
import { createTestTokens, type TestTokens } from './test-tokens.js';

const policy = 'B2C_1_susi';
const pageClientId = '5f2d8c14-7be3-4f0a-9d6b-2c41a7f3e801';
const b2cPageClientId = '5f2d8c14-7be3-4f0a-9d6b-2c41a7f3e803';
const warningsClientId = '5f2d8c14-7be3-4f0a-9d6b-2c41a7f3e802';
/** The scopes of the API's registration, by their short names. The routes ask for the first one only. */
const scopes = ['access_as_user', 'alerts.read'];
const minuteMs = 60 * 1000;

/** The registration of the second API, and what the first one needs to call it. */
export interface WarningsRegistration {
  /** With it, `initialize()` of the second API accepts this issuer's tokens. */
  readonly environment: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
  readonly clientSecret: string;
}

export interface LocalIssuer {
  /** The options with which the API accepts this issuer's tokens. */
  readonly options: IdentityOptions;
  readonly signIns: SignIns;
  readonly tokens: TestTokens;
  readonly warnings: WarningsRegistration;
  rotateKeys(): Promise<void>;
  /** Sets the API's clock ahead of the issuer's, so that tokens expire sooner. */
  setClockAhead(minutes: number): void;
  close(): Promise<void>;
}

export interface LocalIssuerSettings {
  /** Default: a free one. */
  readonly port?: number;
  /** Keeps ids and keys for the next start. Default: they are new at each start. */
  readonly stateFile?: string;
  /** Application ID URIs of the API in the Entra ID tenant, beside `api://<client id>`. */
  readonly appIdUris?: readonly string[];
}

/** Refuses a token for the second API to a person who needs a second factor, as Conditional Access does. */
const askForSecondFactor: UserPolicy = ({ assertion }) => {
  const person = Object.values(colleagues).find(({ id }) => id === assertion['oid']);
  if (person?.needsSecondFactor !== true || hasSecondFactor(assertion)) return undefined;
  return { refuse: tokenError('interaction_required', { codes: [50076], claims: secondFactorRequest }) };
};

export async function startLocalIssuer({
  appIdUris = [],
  ...settings
}: LocalIssuerSettings = {}): Promise<LocalIssuer> {
  const issuer = await startTestIssuer({
    ...settings,
    policies: [policy],
    signIn: { people: Object.values(colleagues), customers: Object.values(customers), appIdUris },
  });
  issuer.userPolicy = askForSecondFactor;
  const { options, b2cOptions, url } = issuer;
  const domain = `${b2cOptions.domainName}.onmicrosoft.com`;
  let clockAheadMinutes = 0;
  return {
    options: { ...options, b2c: b2cOptions, now: () => Date.now() + clockAheadMinutes * minuteMs },
    signIns: {
      entra: {
        authority: `${url}/${options.tenantId}`,
        clientId: pageClientId,
        appIdUri: `api://${options.clientId}`,
        scopes,
      },
      b2c: {
        authority: `${url}/${domain}/${policy}`,
        clientId: b2cPageClientId,
        appIdUri: `https://${domain}/${b2cOptions.clientId}`,
        scopes,
      },
    },
    tokens: createTestTokens(issuer, pageClientId),
    warnings: {
      environment: {
        AzureAd__TenantId: options.tenantId,
        AzureAd__ClientId: warningsClientId,
        AzureAd__Instance: url,
      },
      scopes: [`api://${warningsClientId}/warnings.read`],
      clientSecret: issuer.downstreamOptions.credential.clientSecret,
    },
    rotateKeys: () => issuer.rotateKeys({ overlap: true }),
    setClockAhead: (minutes) => {
      clockAheadMinutes = minutes;
    },
    close: () => issuer.close(),
  };
}
