import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal, expressReleases, serve, type Api } from '../../support/api.js';
import { controllers, issuer, ran, useIssuer } from './controllers.js';

useIssuer();

describe.each(expressReleases)('an action on routing-controllers, $release', ({ express }) => {
  let api: Api;

  beforeAll(async () => {
    api = await serve(controllers, { express });
  });
  afterAll(() => api.close());

  it('answers what a protected action throws as the gate does, asynchronous or not', async () => {
    const token = await issuer.token();
    expectRefusal(await api.call('/weather/helper', { token }), { insufficientScope: 'scope', scope: 'write' });
    expectRefusal(await api.call('/weather/helper-sync', { token }), {
      insufficientScope: 'scope',
      scope: 'write delete',
    });
    expectRefusal(await api.call('/weather/helper-thenable', { token }), 'missing_token');
    expectRefusal(await api.call('/weather/helper-open'), 'missing_token');
  });

  it('leaves other errors to the framework', async () => {
    const answer = await api.call('/weather/not-found', { token: await issuer.token() });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ name: 'NotFoundError' });
  });

  it('cuts off a response that has begun, and does not mix two responses', async () => {
    await expect(api.call('/weather/streaming', { token: await issuer.token() })).rejects.toThrow(
      /aborted|socket hang up/,
    );
    expect((await api.call('/weather/open')).status).toBe(200);
  });

  it('finds the current request for the helpers', async () => {
    const answer = await api.call('/weather/helper-claims', { token: await issuer.token() });
    expect(answer.body).toEqual({ same: true });
  });

  it('keeps the context of the request in interceptors, and after middleware that loses it', async () => {
    const token = await issuer.token();
    expect((await api.call('/weather/intercepted', { token })).body).toEqual({
      wrapped: 'content',
      sub: 'v2-pairwise-subject',
    });
    expect((await api.call('/lost/claims', { token })).body).toEqual({
      sub: 'v2-pairwise-subject',
      helper: 'v2-pairwise-subject',
    });
  });

  it('requires of a method that an action calls what the method requires', async () => {
    expectRefusal(await api.call('/weather/self', { token: await issuer.token() }), { insufficientScope: 'role' });
    expect(ran).toEqual([]);
    expect((await api.call('/weather/self', { token: await issuer.token({ roles: ['Admin'] }) })).status).toBe(200);
    expect(ran).toEqual(['admin']);
  });

  it('refuses a protected method that an open route calls', async () => {
    expectRefusal(await api.call('/weather/open-calls-protected'), 'server_error');
    expect(ran).toEqual([]);
  });
});
