import { describe, expect, it } from 'vitest';
import { createMicrosoftIdentity, initialize, requiresAuth, resourceMetadata } from '../../../src/express.js';
import { expressReleases } from '../../support/api.js';
import { issuer, report, serving, useIssuer } from './application.js';

useIssuer();

describe.each(expressReleases)('resourceMetadata on $release', ({ express }) => {
  const options = () => ({ ...issuer.options, resourceMetadata: { resource: 'https://api.contoso.com/weather' } });
  const path = '/.well-known/oauth-protected-resource/weather';

  it('answers the well-known path to every caller, and passes other requests on', async () => {
    const identity = initialize(options());
    await serving(
      express,
      (app) => {
        app.use(resourceMetadata(), requiresAuth());
        app.get('/', report);
      },
      async (api) => {
        const answer = await api.call(`${path}?x=1`);
        expect([answer.status, answer.body]).toEqual([200, identity.resourceMetadata]);
        expect(answer.headers).toMatchObject({
          'access-control-allow-origin': '*',
          'content-type': 'application/json; charset=utf-8',
        });
        const head = await api.call(path, { method: 'HEAD' });
        expect([head.status, head.text, head.headers['content-length']]).toEqual([
          200,
          '',
          answer.headers['content-length'],
        ]);
        const challenge = `Bearer resource_metadata="https://api.contoso.com${path}"`;
        for (const [method, elsewhere] of [
          ['POST', path],
          ['GET', `${path}/x`],
          ['GET', '/'],
        ] as const) {
          const refused = await api.call(elsewhere, { method });
          expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, challenge]);
        }
      },
    );
  });

  it('answers the preflight of a browser, with the headers of MCP clients', async () => {
    initialize(options());
    await serving(
      express,
      (app) => app.use(resourceMetadata(), requiresAuth()),
      async (api) => {
        const answer = await api.call(path, { method: 'OPTIONS' });
        expect([answer.status, answer.text]).toEqual([204, '']);
        expect(answer.headers).toMatchObject({
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'GET, HEAD',
          'access-control-allow-headers': 'MCP-Protocol-Version, Authorization',
        });
        expect((await api.call('/', { method: 'OPTIONS' })).status).toBe(401);
      },
    );
  });

  it('publishes the metadata of its own configuration', async () => {
    const partners = createMicrosoftIdentity(options());
    await serving(
      express,
      (app) => app.use(resourceMetadata(partners)),
      async (api) => {
        expect((await api.call(path)).body).toEqual(partners.resourceMetadata);
      },
    );
  });

  it('throws if there is nothing to publish', () => {
    expect(() => resourceMetadata()).toThrow('resourceMetadata');
  });
});
