import express, { type Express } from 'express';
import { useExpressServer } from 'routing-controllers';
import { AdminController } from './admin-controller.js';
import type { Authority } from './authority.js';
import { B2cWeatherController } from './b2c-weather-controller.js';
import { answerError } from './errors.js';
import { HealthController } from './health-controller.js';
import { WeatherController } from './weather-controller.js';

/** The API, with the routes whose tokens can be checked. */
export function createApp({ entra, b2c }: Pick<Authority, 'entra' | 'b2c'>): Express {
  const app = express();
  app.disable('x-powered-by');
  // Express shows callers the stack of an error otherwise.
  app.set('env', 'production');
  useExpressServer(app, {
    controllers: [
      HealthController,
      ...(entra ? [WeatherController, AdminController] : []),
      ...(b2c ? [B2cWeatherController] : []),
    ],
    validation: { whitelist: true, forbidNonWhitelisted: true, validationError: { target: false } },
    defaultErrorHandler: false,
  });
  app.use(answerError);
  return app;
}
