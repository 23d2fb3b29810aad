// One JSON route of routing-controllers, open or behind a variant. Decorators are applied by hand: this is not compiled.
import 'reflect-metadata';
import { Get, JsonController, UseBefore, useExpressServer } from 'routing-controllers';
import { initialize, RequiresAuth } from '../../dist/esm/index.js';
import { variants } from './variants.mjs';

export function decorate(target, method, decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(target, method);
  // As TypeScript does it: the one nearest to the method first.
  for (const decorator of decorators.reverse()) decorator(target, method, descriptor);
  Object.defineProperty(target, method, descriptor);
}

/** @returns the decorators that stand between `@Get` and the method */
async function protectionOf(name, facts) {
  const variant = variants.find((candidate) => candidate.name === name);
  if (variant.isOurs) {
    initialize(facts.options);
    return [RequiresAuth()];
  }
  const middleware = await variant.middleware(facts);
  return middleware === null ? [] : [UseBefore(middleware)];
}

/** @returns the controller of `GET /weather` */
export async function createController(variant, facts) {
  class WeatherController {
    report() {
      return { city: 'Oslo', celsius: 4, sky: 'overcast' };
    }
  }
  decorate(WeatherController.prototype, 'report', [Get('/weather'), ...(await protectionOf(variant, facts))]);
  JsonController()(WeatherController);
  return WeatherController;
}

/** @returns an Express application that serves `GET /weather` */
export async function createApp({ variant, express, facts }) {
  const { default: newApp } = await import(express);
  const app = newApp();
  // What a refusal looks like is not measured, and is not to be logged.
  app.set('env', 'test');
  useExpressServer(app, { controllers: [await createController(variant, facts)] });
  return app;
}
