// The same protected route on several hosts, each as a listener of Node's server.
import Koa from 'koa';
import { useKoaServer } from 'routing-controllers';
import { initialize as initializeForExpress, requiresAuth } from '../../dist/esm/express.js';
import { initialize as initializeForFetch, protect } from '../../dist/esm/fetch.js';
import { now } from './clock.mjs';
import { createApp as createExpressApp, createController } from './route.mjs';

const report = { city: 'Oslo', celsius: 4, sky: 'overcast' };

async function express({ facts }) {
  const { default: newApp } = await import('express');
  initializeForExpress(facts.options);
  const app = newApp();
  app.get('/weather', requiresAuth(), (_request, response) => response.json(report));
  return app;
}

async function koa({ facts }) {
  const app = new Koa();
  // What an application logs of a refusal is not measured.
  app.silent = true;
  useKoaServer(app, { controllers: [await createController('ours', facts)] });
  return app.callback();
}

/** Makes of Node's request what a Fetch handler takes, and no more. */
async function fetch({ facts }) {
  initializeForFetch(facts.options);
  const handle = protect({}, () => Response.json(report));
  return async (incoming, outgoing) => {
    const request = new Request(`http://localhost${incoming.url}`, {
      method: incoming.method,
      headers: incoming.headers,
    });
    const response = await handle(request);
    outgoing.statusCode = response.status;
    for (const [name, value] of response.headers) outgoing.setHeader(name, value);
    outgoing.end(await response.text());
  };
}

const hosts = {
  'routing-controllers on Express': ({ facts }) => createExpressApp({ variant: 'ours', express: 'express', facts }),
  'routing-controllers on Koa': koa,
  Express: express,
  Fetch: fetch,
};

export const hostNames = Object.keys(hosts);

export const createApp = ({ host, facts }) => hosts[host]({ facts: { ...facts, options: { ...facts.options, now } } });
