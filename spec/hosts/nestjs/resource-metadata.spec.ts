import { describe, expect, it } from 'vitest';
import {
  MICROSOFT_IDENTITY,
  MicrosoftIdentityModule,
  resourceMetadata,
  type MicrosoftIdentity,
} from '../../../src/nestjs.js';
import { BareController } from './controllers.js';
import { issuer, platforms, serve, useIssuer } from './application.js';

useIssuer();

const path = '/.well-known/oauth-protected-resource/mcp';

describe.each(platforms)('resourceMetadata of Nest, $platform', (platform) => {
  const options = () => ({ ...issuer.options, resourceMetadata: { resource: 'https://api.example/mcp' } });

  it('answers the document and its preflight to every caller, whatever the application requires', async () => {
    const imports = [MicrosoftIdentityModule.forRoot(options(), { requireAuth: true })];
    const api = await serve(platform, { imports, controllers: [BareController] }, (app) => {
      app.setGlobalPrefix('api');
      app.use(resourceMetadata(app.get<MicrosoftIdentity>(MICROSOFT_IDENTITY)));
    });
    const answer = await api.call(path);
    expect([answer.status, answer.body]).toEqual([
      200,
      api.app.get<MicrosoftIdentity>(MICROSOFT_IDENTITY).resourceMetadata,
    ]);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    const preflight = await api.call(path, { method: 'OPTIONS' });
    expect([preflight.status, preflight.text]).toEqual([204, '']);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': 'MCP-Protocol-Version, Authorization',
    });
    expect((await api.call('/api/bare/open')).headers['www-authenticate']).toBe(
      `Bearer resource_metadata="https://api.example${path}"`,
    );
  });
});
