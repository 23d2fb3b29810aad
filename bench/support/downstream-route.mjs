// One protected JSON route of routing-controllers, that obtains a token for another API or does not.
import 'reflect-metadata';
import { Get, JsonController, useExpressServer } from 'routing-controllers';
import { initialize, OnBehalfOf, onBehalfOf, RequiresAuth, TokenClaims } from '../../dist/esm/index.js';
import { apis } from './downstream-clients.mjs';
import { decorate } from './route.mjs';

const report = { city: 'Oslo', celsius: 4, sky: 'overcast' };

/** Whether a route obtains a token, and by what: a parameter, or a constant as in a service below the action. */
const controllers = {
  'no token': () =>
    class WeatherController {
      async report() {
        return report;
      }
    },
  'no token, @TokenClaims()': () => {
    class WeatherController {
      async report() {
        return report;
      }
    }
    TokenClaims()(WeatherController.prototype, 'report', 0);
    return WeatherController;
  },
  "@OnBehalfOf('graph')": () => {
    class WeatherController {
      async report(graph) {
        await graph.getAccessToken();
        return report;
      }
    }
    OnBehalfOf('graph')(WeatherController.prototype, 'report', 0);
    return WeatherController;
  },
  "onBehalfOf('graph')": () => {
    const graph = onBehalfOf('graph');
    return class WeatherController {
      async report() {
        await graph.getAccessToken();
        return report;
      }
    };
  },
};

export const routes = Object.keys(controllers);

/** @returns an Express application that serves `GET /weather` */
export async function createApp({ variant, express, facts }) {
  const { default: newApp } = await import(express);
  const app = newApp();
  app.set('env', 'test');
  const { options, credential } = facts;
  initialize(variant.startsWith('no token') ? options : { ...options, downstream: { credential, apis } });
  const WeatherController = controllers[variant]();
  decorate(WeatherController.prototype, 'report', [Get('/weather'), RequiresAuth()]);
  JsonController()(WeatherController);
  useExpressServer(app, { controllers: [WeatherController] });
  return app;
}
