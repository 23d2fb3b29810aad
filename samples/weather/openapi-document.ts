/** The OpenAPI document of the API. What each route demands comes from its decorators. */
import { operationRoutes, withSecurity } from 'microsoft-identity-decorators';
import { getMetadataArgsStorage, type RoutingControllersOptions } from 'routing-controllers';
import { routingControllersToSpec } from 'routing-controllers-openapi';
import type { SignIns } from './sign-in-settings.js';

const yearReport = {
  type: 'object' as const,
  required: ['year', 'meanTemperature'],
  properties: {
    year: { type: 'integer' as const, minimum: 1850, maximum: 2100, example: 2020 },
    meanTemperature: { type: 'number' as const, minimum: -60, maximum: 60, description: 'In °C.', example: 9.7 },
    precipitation: { type: 'number' as const, minimum: 0, maximum: 30_000, description: 'In mm.', example: 571 },
  },
};

/** The storage of routing-controllers, with the actions of the controllers that this API serves. */
function servedActions(controllers: readonly unknown[]): ReturnType<typeof getMetadataArgsStorage> {
  const storage = getMetadataArgsStorage();
  return Object.assign(Object.create(storage) as typeof storage, {
    actions: storage.actions.filter(({ target }) => controllers.includes(target)),
  });
}

/** Call it after `initialize`: the document names the authorities of the configuration in force. */
export function describeApi(options: RoutingControllersOptions, { entra, b2c }: SignIns) {
  const clientIds = [
    ...(entra ? [`${entra.clientId} for Microsoft Entra ID`] : []),
    ...(b2c ? [`${b2c.clientId} for Azure AD B2C`] : []),
  ];
  const document = routingControllersToSpec(servedActions(options.controllers ?? []), options, {
    info: {
      title: 'Weather',
      version: '1.0.0',
      description: `The climate of fourteen cities. To authorize, use the client id ${clientIds.join(', or ')}.`,
    },
    components: { schemas: { YearReport: yearReport } },
  });
  return withSecurity(document, operationRoutes(options), {
    scopes: { access_as_user: 'Call the API on your behalf' },
    appIdUri: { entra: entra?.appIdUri, b2c: b2c?.appIdUri },
  });
}
