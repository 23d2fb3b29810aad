/** An API of one's own behind another one, whose route demands an authentication context. */
import express from 'express';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createMicrosoftIdentity, initialize, onBehalfOf, authErrorHandler, requiresAuth } from '../../src/express.js';
import { startTestIssuer, tokenError, type TestIssuer } from '../../src/testing.js';
import { listen, type Api } from '../support/api.js';

let issuer: TestIssuer;
let stock: Api;
let orders: Api;

beforeAll(async () => {
  issuer = await startTestIssuer();
  const clientId = crypto.randomUUID();
  const ofStock = createMicrosoftIdentity({ ...issuer.options, clientId });
  stock = await listen(
    express()
      .get('/stock', ofStock.requiresAuth(), ofStock.requiresAuthContext('c1'), (_, response) => {
        response.json({ tea: 3 });
      })
      .use(authErrorHandler),
  );
  initialize({
    ...issuer.options,
    downstream: {
      ...issuer.downstreamOptions,
      apis: { stock: { baseUrl: stock.url, scopes: [`api://${clientId}/stock.read`] } },
    },
  });
  const app = express().get('/orders', requiresAuth(), (request, response, next) => {
    onBehalfOf('stock', request)
      .get('/stock')
      .then((found) => response.json(found), next);
  });
  orders = await listen(app.use(authErrorHandler));
});
afterEach(() => {
  issuer.userPolicy = undefined;
});
afterAll(async () => {
  await Promise.all([stock.close(), orders.close(), issuer.close()]);
});

it('challenges the client of this API, whose new token has the context', async () => {
  issuer.userPolicy = ({ assertion, claims }) => {
    const asked = claims?.['access_token'] as { readonly acrs?: object } | undefined;
    if (asked?.acrs === undefined || assertion['acrs'] !== undefined) return undefined;
    const wanted = { access_token: { acrs: asked.acrs } };
    return { refuse: tokenError('interaction_required', { claims: wanted, codes: [50076] }) };
  };
  const answer = await orders.call('/orders', { token: await issuer.token({ oid: 'ada' }) });
  expect(answer.status).toBe(401);
  const [, claims = ''] = /claims="([^"]+)"/.exec(String(answer.headers['www-authenticate'])) ?? [];
  expect(JSON.parse(Buffer.from(claims, 'base64').toString())).toMatchObject({
    access_token: { acrs: { value: 'c1' } },
  });
  const again = await orders.call('/orders', { token: await issuer.token({ oid: 'ada', acrs: ['c1'] }) });
  expect([again.status, again.body]).toEqual([200, { tea: 3 }]);
});

it('fails where the token on behalf of the user stays without the context', async () => {
  const { status, body } = await orders.call('/orders', { token: await issuer.token({ oid: 'eve' }) });
  expect([status, body]).toMatchObject([502, { error: 'downstream_failed' }]);
});
