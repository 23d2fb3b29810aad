/** The API in OpenAPI's words, for Swagger UI and other clients. */
import { getMetadataArgsStorage, type RoutingControllersOptions } from 'routing-controllers';
import { routingControllersToSpec } from 'routing-controllers-openapi';
import type { SignIn, SignIns } from './sign-in-settings.js';

type OpenApiDocument = ReturnType<typeof routingControllersToSpec>;

type Paths = Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;

const yearReport = {
  type: 'object' as const,
  required: ['year', 'meanTemperature'],
  properties: {
    year: { type: 'integer' as const, minimum: 1850, maximum: 2100, example: 2020 },
    meanTemperature: { type: 'number' as const, minimum: -60, maximum: 60, description: 'In °C.', example: 9.7 },
    precipitation: { type: 'number' as const, minimum: 0, maximum: 30_000, description: 'In mm.', example: 571 },
  },
};

function codeFlow(name: string, { authority, clientId, appIdUri }: SignIn) {
  return {
    type: 'oauth2' as const,
    description: `${name}. The page's client id there is ${clientId}.`,
    flows: {
      authorizationCode: {
        authorizationUrl: `${authority}/oauth2/v2.0/authorize`,
        tokenUrl: `${authority}/oauth2/v2.0/token`,
        scopes: { [`${appIdUri}/access_as_user`]: 'Call the API on your behalf' },
      },
    },
  };
}

/** What a route needs, by where it stands. */
function schemeOf(path: string): 'entra' | 'b2c' | undefined {
  if (path.startsWith('/api/health')) return undefined;
  return path.startsWith('/api/b2c/') ? 'b2c' : 'entra';
}

export function describeApi(options: RoutingControllersOptions, { entra, b2c }: SignIns): OpenApiDocument {
  // The storage knows every controller there is; the document tells of those that are served.
  const served = new Set(options.controllers as readonly unknown[]);
  const { controllers, actions, params, ...others } = getMetadataArgsStorage();
  const storage = Object.assign(Object.create(Object.getPrototypeOf(getMetadataArgsStorage()) as object), others, {
    controllers: controllers.filter(({ target }) => served.has(target)),
    actions: actions.filter(({ target }) => served.has(target)),
    // What this library injects is no part of a request.
    params: params.filter(({ type }) => type !== 'custom-converter'),
  }) as ReturnType<typeof getMetadataArgsStorage>;

  const document = routingControllersToSpec(storage, options, {
    info: { title: 'Weather', version: '1.0.0', description: 'The climate of fourteen cities.' },
    components: {
      schemas: { YearReport: yearReport },
      securitySchemes: {
        ...(entra && { entra: codeFlow('Microsoft Entra ID', entra) }),
        ...(b2c && { b2c: codeFlow('Azure AD B2C', b2c) }),
      },
    },
  });

  const signIns = { entra, b2c };
  const paths = document.paths as Paths;
  for (const [path, operations] of Object.entries(paths)) {
    const scheme = schemeOf(path);
    const appIdUri = scheme && signIns[scheme]?.appIdUri;
    if (scheme === undefined || appIdUri === undefined) continue;
    for (const operation of Object.values(operations)) {
      Object.assign(operation, {
        // The names of tags are made from those of classes, and "B 2 C" reads badly.
        ...(scheme === 'b2c' && { tags: ['Weather for customers'] }),
        security: [{ [scheme]: [`${appIdUri}/access_as_user`] }],
        responses: {
          ...operation.responses,
          401: { description: 'The token is missing, or refused.' },
          403: { description: 'The token carries too little.' },
        },
      });
    }
  }
  return document;
}
