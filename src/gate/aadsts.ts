/** What to do about a refusal of the token endpoint, by its `AADSTS` number. For the developer. */

/** What a refusal means, and what to look at. */
export interface AadstsRemedy {
  readonly meaning: string;
  readonly remedy: string;
}

interface KnownRefusal extends AadstsRemedy {
  /** What to look at in place of the remedy, where the refusal has no claims request. */
  readonly withoutClaims?: string;
}

const consent: AadstsRemedy = {
  meaning: 'The permission of this API for the other API has no consent.',
  remedy:
    'Add the permission to the app registration of this API, and grant admin consent. Or let users consent to both at once: list the client in knownClientApplications of this API, and have it ask for /.default.',
};

const secondFactor: KnownRefusal = {
  meaning: 'The other API needs a stronger sign-in of the user, such as a second factor.',
  remedy: 'The client has to pass the claims of the challenge on to its sign-in.',
  withoutClaims: 'The answer has no claims that the client could pass on: the user must sign in again.',
};

const blocked: AadstsRemedy = {
  meaning: 'A Conditional Access policy blocks the user, the device or the network.',
  remedy: 'Look up the sign-in in the logs of Entra, under Conditional Access: no setting of this API changes it.',
};

const otherTenant: AadstsRemedy = {
  meaning: 'The application or the API is not in the tenant that was asked.',
  remedy:
    'Check tenantId, clientId and instance. In another tenant an administrator has to consent to the application first.',
};

const remedies: ReadonlyMap<number, KnownRefusal> = new Map([
  [65001, consent],
  [65004, { ...consent, meaning: 'The user declined to consent.' }],
  [90094, { ...consent, meaning: 'The permission needs the consent of an administrator.' }],
  [
    50013,
    {
      meaning: 'The token of the caller is not accepted as an assertion: its signature, its issuer or its tenant.',
      remedy: 'Check that tenantId and instance are those of the tenant that issued it.',
    },
  ],
  [
    500131,
    {
      meaning: 'The token of the caller is for another application than the one that presents it.',
      remedy: 'Check that clientId is the application whose credential is configured, and the audience of the token.',
    },
  ],
  [
    500133,
    {
      meaning: 'The token of the caller expired.',
      remedy: 'The client needs a new one. Check the clock of this machine.',
    },
  ],
  [
    500011,
    {
      meaning: 'The API that the scopes name does not exist in the tenant.',
      remedy: 'Check the scopes of the API in downstream.apis, and that its application was added to the tenant.',
    },
  ],
  [
    7000215,
    {
      meaning: 'The client secret is wrong.',
      remedy: 'Set the value of the secret, not its id, in downstream.credential.',
    },
  ],
  [7000222, { meaning: 'The client secret expired.', remedy: 'Create a new one and set it in downstream.credential.' }],
  [7000218, { meaning: 'The request has no credential.', remedy: 'Set downstream.credential.' }],
  [
    700027,
    {
      meaning: 'The signature of the client assertion is not that of a certificate of the app registration.',
      remedy:
        'Upload the certificate of downstream.credential to the app registration. For a trusted subject name set sendX5c.',
    },
  ],
  [
    700213,
    {
      meaning: 'No federated credential of the app registration has the subject of the assertion.',
      remedy: 'Compare issuer, subject and audience of the federated credential with the assertion.',
    },
  ],
  [
    700211,
    {
      meaning: 'No federated credential of the app registration has the issuer of the assertion.',
      remedy: 'Compare issuer, subject and audience of the federated credential with the assertion.',
    },
  ],
  [
    70021,
    {
      meaning: 'No federated credential of the app registration fits the assertion.',
      remedy: 'Compare issuer, subject and audience of the federated credential with the assertion.',
    },
  ],
  [50076, secondFactor],
  [50079, { ...secondFactor, meaning: 'The user has to register a second factor.' }],
  [53003, blocked],
  [53000, blocked],
  [530032, blocked],
  [700016, otherTenant],
  [90002, { ...otherTenant, meaning: 'The tenant does not exist in this cloud.' }],
  [
    7000114,
    {
      meaning: 'An application called, and there is no user on whose behalf a token could be.',
      remedy: "Use asApplication, or restrict the route with callers: 'user'.",
    },
  ],
  [
    9010010,
    {
      meaning: 'The client sent a resource that is not the Application ID URI in front of its scopes.',
      remedy:
        'MCP clients send the URL of the server: make that URL the Application ID URI of the API, and publish the full names of its scopes.',
    },
  ],
  [
    90009,
    {
      meaning: 'The application asks for a token for itself, by its Application ID URI.',
      remedy: 'Give the client a registration of its own. Or let it name the API by its client id, a GUID.',
    },
  ],
  [
    650057,
    {
      meaning: 'The API is not among the permissions of the application that asks for a token.',
      remedy: 'Add the API under API permissions in the registration of that application.',
    },
  ],
  [
    50105,
    {
      meaning: 'The user is not assigned to the application, and it demands an assignment.',
      remedy: 'Assign the user under Enterprise applications, Users and groups. Or turn Assignment required off.',
    },
  ],
  [
    501051,
    {
      meaning: 'The application that asks for a token is not assigned to the API, and the API demands an assignment.',
      remedy: 'Assign an app role of the API to that application. Or turn Assignment required off.',
    },
  ],
  [
    70011,
    {
      meaning: 'A scope is not valid.',
      remedy: 'Check the scopes of the API in downstream.apis.',
    },
  ],
]);

/**
 * What to do about a refusal of the token endpoint. Undefined for a number that is not in the table.
 *
 * @param hasClaims - whether the refusal has a claims request; default: true
 */
export function aadstsRemedy(aadsts: number, hasClaims = true): AadstsRemedy | undefined {
  const known = remedies.get(aadsts);
  if (known === undefined) return undefined;
  const { meaning, remedy, withoutClaims = remedy } = known;
  return { meaning, remedy: hasClaims ? remedy : withoutClaims };
}
