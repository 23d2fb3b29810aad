// The server's own process: one variant on one Express, its processor time per request, and its profile.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Session } from 'node:inspector/promises';
import { useExpressServer } from 'routing-controllers';
import { answer } from './child.mjs';
import { processorTime, since } from './processor-time.mjs';
import { createController } from './route.mjs';

let requests = 0;
let start;
let session;

answer({
  /** @returns the port */
  async start({ variant, express, facts }) {
    const { default: createApp } = await import(express);
    const app = createApp();
    // What a refusal looks like is not measured, and is not to be logged.
    app.set('env', 'test');
    useExpressServer(app, { controllers: [await createController(variant, facts)] });
    const server = createServer((request, response) => {
      requests++;
      app(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return server.address().port;
  },
  begin() {
    requests = 0;
    start = processorTime();
  },
  end() {
    return { requests, ...since(start) };
  },
  async beginProfile() {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
  },
  async endProfile() {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return profile;
  },
});
