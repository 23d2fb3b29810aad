/** Handlers of HTTP whose parameters look like those of a resolver, or whose result looks like a stream. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import 'reflect-metadata';
import { expect, it, vi } from 'vitest';
import { getTokenClaims, RequiresAuth, TokenClaims } from '../../../src/nestjs.js';
import { issuer, platforms, serve, useIssuer } from './application.js';

useIssuer();

/** An object of the application, with a method that StreamableFile has too. */
class Video {
  static opened = 0;
  readonly id = '7';

  getStream(): never {
    Video.opened++;
    throw new Error('The file is not there.');
  }
}

@RequiresAuth()
@Controller('/videos')
class Videos {
  @Get('/one')
  one() {
    return new Video();
  }

  @Get('/frozen')
  frozen() {
    return Object.freeze({ id: '7', pipe: () => undefined, _read: () => undefined });
  }

  @Get('/broken')
  broken() {
    return {
      get getReader(): never {
        throw new Error('broken');
      },
    };
  }

  @Post('/:id')
  change(
    @Param('id') id: string,
    @TokenClaims('oid') oid: string,
    @Body() _body: unknown,
    @Body('info') _info: unknown,
  ) {
    return { id, oid, current: getTokenClaims().oid };
  }
}

it.each(platforms)('takes no token from parameters that the client wrote, on $platform', async (platform) => {
  const api = await serve(platform, { controllers: [Videos] });
  const authorization = `Bearer ${await issuer.token({ oid: 'eve' })}`;
  const request = { headers: { authorization }, rawHeaders: ['authorization', authorization] };
  const info = { fieldName: 'change', operation: {}, schema: { getQueryType: {} } };
  const call = {
    method: 'POST',
    token: await issuer.token({ oid: 'ada' }),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ req: request, info }),
  };
  expect((await api.call('/videos/7', call)).body).toEqual({ id: '7', oid: 'ada', current: 'ada' });
});

it('does not call getStream() of an object that is no StreamableFile', async () => {
  const api = await serve(platforms[0], { controllers: [Videos] });
  const answer = await api.call('/videos/one', { token: await issuer.token() });
  expect([answer.status, answer.body, Video.opened]).toEqual([200, { id: '7' }, 0]);
});

it('sends an object that cannot be bound as it is', async () => {
  const api = await serve(platforms[0], { controllers: [Videos] });
  const answer = await api.call('/videos/frozen', { token: await issuer.token() });
  expect([answer.status, answer.body]).toEqual([200, { id: '7' }]);
});

it.each(platforms)('answers what the look at a result throws, on $platform', async (platform) => {
  const uncaught = vi.fn();
  process.on('uncaughtException', uncaught);
  try {
    const api = await serve(platform, { controllers: [Videos] });
    expect((await api.call('/videos/broken', { token: await issuer.token() })).status).toBe(500);
    // RxJS throws in a timer what it cannot deliver.
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    process.off('uncaughtException', uncaught);
  }
  expect(uncaught).not.toHaveBeenCalled();
});
