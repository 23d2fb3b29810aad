import express, { type Express } from 'express';
import { useExpressServer, type RoutingControllersOptions } from 'routing-controllers';
import { AdminController } from './admin-controller.js';
import { describeApi } from './api-document.js';
import type { Authority } from './authority.js';
import { B2cWeatherController } from './b2c-weather-controller.js';
import { answerError } from './errors.js';
import { HealthController } from './health-controller.js';
import { servePages } from './pages.js';
import { WeatherController } from './weather-controller.js';

/** The API, with the routes whose tokens can be checked, and the pages to try it with. */
export function createApp(authority: Omit<Authority, 'introduce' | 'close'>): Express {
  const { entra, b2c } = authority;
  const app = express();
  app.disable('x-powered-by');
  // Express shows callers the stack of an error otherwise.
  app.set('env', 'production');
  const options: RoutingControllersOptions = {
    controllers: [
      HealthController,
      ...(entra ? [WeatherController, AdminController] : []),
      ...(b2c ? [B2cWeatherController] : []),
    ],
    validation: { whitelist: true, forbidNonWhitelisted: true, validationError: { target: false } },
    defaultErrorHandler: false,
  };
  servePages(app, authority, describeApi(options, authority));
  useExpressServer(app, options);
  app.use(answerError);
  return app;
}
