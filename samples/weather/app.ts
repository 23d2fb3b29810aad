import express, { type Express } from 'express';
import { useExpressServer, type RoutingControllersOptions } from 'routing-controllers';
import { AdminController } from './admin-controller.js';
import { B2cWeatherController } from './b2c-weather-controller.js';
import { answerError } from './error-handler.js';
import { HealthController } from './health-controller.js';
import { describeApi } from './openapi-document.js';
import type { LocalIssuer } from './openid-provider/local-issuer.js';
import { servePages } from './pages/serve-pages.js';
import type { SignIns } from './sign-in-settings.js';
import { WeatherController } from './weather-controller.js';

/** What is configured, and so is served. */
export interface Setup {
  readonly signIns: SignIns;
  /** Whether the second API is there. */
  readonly callsWarnings: boolean;
  /** Where there is no tenant. */
  readonly issuer?: LocalIssuer;
}

/** The API, with the routes of the configured authorities, and the pages that call it. */
export async function createApp(setup: Setup): Promise<Express> {
  const { entra, b2c } = setup.signIns;
  const app = express();
  app.disable('x-powered-by');
  // In any other environment, Express sends the stack of an error to the caller.
  app.set('env', 'production');
  // Imported only here: `ready()` warns of a loaded class that names an API which is not configured.
  const warnings = entra && setup.callsWarnings ? Object.values(await import('./warnings-controller.js')) : [];
  const options: RoutingControllersOptions = {
    controllers: [
      HealthController,
      ...(entra ? [WeatherController, AdminController] : []),
      ...warnings,
      ...(b2c ? [B2cWeatherController] : []),
    ],
    validation: { whitelist: true, forbidNonWhitelisted: true, validationError: { target: false } },
    defaultErrorHandler: false,
  };
  servePages(app, setup, describeApi(options, setup.signIns));
  useExpressServer(app, options);
  app.use(answerError);
  return app;
}
