// The server's own process: one variant on one Express, its processor time per request, and its profile.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Session } from 'node:inspector/promises';
import { answer } from './child.mjs';
import { processorTime, since } from './processor-time.mjs';

let requests = 0;
let start;
let session;

answer({
  /**
   * @param route - the file of this folder that creates the application
   * @returns the port
   */
  async start({ route = 'route.mjs', ...options }) {
    const { createApp } = await import(`./${route}`);
    const app = await createApp(options);
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
