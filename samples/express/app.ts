import express, { Router, type ErrorRequestHandler, type Express } from 'express';
import { requiresAuth, requiresB2cAuth, requiresRole, requiresScope } from 'microsoft-identity-decorators/express';
import { climateOf, observations } from './climate.js';
import { WeatherController } from './weather-controller.js';

/** Answers errors as JSON. Refused tokens do not come here, because the gate answers them itself. */
const answerError: ErrorRequestHandler = (error: { status?: number; message?: string }, _request, response, next) => {
  const status = error.status ?? 500;
  if (response.headersSent || status >= 500) next(error);
  else response.status(status).json({ message: error.message });
};

/** The API: handlers of a decorated class, and routes with middleware. */
export function createApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  // In any other environment, Express sends the stack of an error to the caller.
  app.set('env', 'production');

  app.get('/api/health', (_request, response) => {
    response.json({ status: 'ok' });
  });

  const weather = new WeatherController();
  app.get('/api/weather/:city', weather.report.bind(weather));
  // The gate comes first, so the body of an anonymous request is not read.
  app.post('/api/weather/:city/observations', requiresAuth(), express.json(), weather.observe.bind(weather));

  const admin = Router();
  admin.get('/observations', requiresRole('Weather.Admin'), (_request, response) => {
    response.json(observations);
  });
  app.use('/api/admin', requiresAuth(), admin);

  app.get('/api/b2c/weather/:city', requiresB2cAuth(), requiresScope('access_as_user'), (request, response) => {
    response.json({ ...climateOf(request.params.city), askedBy: request.auth?.sub });
  });

  app.use(answerError);
  return app;
}
