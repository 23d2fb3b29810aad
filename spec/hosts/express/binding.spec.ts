import type { Request, Response } from 'express';
import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import {
  createMicrosoftIdentity,
  requiresAuth,
  requiresScope,
  TokenClaims,
  type AccessTokenClaims,
} from '../../../src/express.js';
import { startTestIssuer } from '../../../src/testing.js';
import { expectRefusal, expressReleases } from '../../support/api.js';
import { issuer, report, serving, useIssuer } from './application.js';

useIssuer();

describe('decorators that Express cannot apply', () => {
  it('throws for claims in the position of request, response or next', () => {
    expect(() => {
      class Misplaced {
        report(@TokenClaims() claims: AccessTokenClaims) {
          return claims;
        }
      }
      return Misplaced;
    }).toThrow('has @TokenClaims() on one of its first three parameters, which Express fills. Move it');
  });
});

describe.each(expressReleases)('createMicrosoftIdentity on $release', ({ express }) => {
  it('checks tokens against its own configuration', async () => {
    const other = await startTestIssuer();
    const partners = createMicrosoftIdentity(other.options);
    await partners.ready();
    class PartnerController {
      @partners.RequiresAuth()
      report(request: Request, response: Response) {
        response.json({ tid: request.auth?.tid });
      }
    }
    await serving(
      express,
      (app) => {
        app.get('/decorated', new PartnerController().report);
        app.get('/both', requiresAuth(), partners.requiresAuth(), report);
        app.get('/behind', partners.requiresAuth(), requiresScope('read'), report);
        app.get('/own', partners.requiresScope('read'), report);
        app.get('/own-behind', requiresAuth(), partners.requiresScope('read'), report);
      },
      async (api) => {
        const token = await other.token({ scp: 'read' });
        expect((await api.call('/decorated', { token })).body).toEqual({ tid: other.options.tenantId });
        expect((await api.call('/behind', { token })).status).toBe(200);
        expect((await api.call('/own', { token })).status).toBe(200);
        const ours = await issuer.token({ scp: 'read' });
        for (const path of ['/decorated', '/behind', '/own', '/both', '/own-behind']) {
          expectRefusal(await api.call(path, { token: ours }), { invalidToken: 'issuer' });
        }
        expectRefusal(await api.call('/behind', { token: await other.token() }), {
          insufficientScope: 'scope',
          scope: 'read',
        });
        expectRefusal(await api.call('/own-behind', { token }), { invalidToken: 'issuer' });
      },
    );
    partners.close();
    await other.close();
  });
});
