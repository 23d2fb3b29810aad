/** Handlers of HTTP whose parameters look like those of a resolver, or whose result looks like a stream. */
import { Readable } from 'node:stream';
import { Body, Controller, Get, Param, Post, StreamableFile } from '@nestjs/common';
import 'reflect-metadata';
import { describe, expect, it, vi } from 'vitest';
import { getTokenClaims, initialize, RequiresAuth, TokenClaims, validateScope } from '../../../src/nestjs.js';
import { expectRefusal } from '../../support/api.js';
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

describe('a stream that refuses its caller', () => {
  async function* rows(before: number) {
    for (let row = 0; row < before; row++) yield await Promise.resolve('row');
    validateScope('write');
    yield 'last';
  }

  @RequiresAuth()
  @Controller('/streams')
  class Streams {
    @Get('/file')
    file() {
      return new StreamableFile(Readable.from(rows(0)));
    }

    @Get('/later')
    later() {
      return new StreamableFile(Readable.from(rows(1)));
    }

    @Get('/raw')
    raw() {
      return Readable.from(rows(0));
    }

    @Get('/broken')
    broken() {
      return new StreamableFile(
        new Readable({
          read() {
            this.destroy(new Error('The disk is gone.'));
          },
        }),
      );
    }
  }

  const challenge =
    'Bearer error="insufficient_scope", error_description="The access token does not carry the scope this request needs.", ' +
    'scope="write"';

  it('is answered as any refusal on Express', async () => {
    const api = await serve(platforms[0], { controllers: [Streams] });
    const token = await issuer.token({ scp: 'read' });
    expectRefusal(await api.call('/streams/file', { token }), { insufficientScope: 'scope', scope: 'write' });
  });

  it.each(['/streams/file', '/streams/raw'])('has its status and its challenge on Fastify: %s', async (path) => {
    const api = await serve(platforms[1], { controllers: [Streams] });
    const { status, headers } = await api.call(path, { token: await issuer.token({ scp: 'read' }) });
    expect([status, headers['www-authenticate'], headers['cache-control']]).toEqual([403, challenge, 'no-store']);
  });

  it('is forwarded to the application on Express where that is configured', async () => {
    initialize({ ...issuer.options, errors: 'forward' });
    const api = await serve(platforms[0], { controllers: [Streams] });
    const { status, headers } = await api.call('/streams/file', { token: await issuer.token({ scp: 'read' }) });
    expect([status, headers['www-authenticate']]).toEqual([403, undefined]);
  });

  it.each(platforms)('ends the connection once a part is sent, on $platform', async (platform) => {
    const api = await serve(platform, { controllers: [Streams] });
    await expect(api.call('/streams/later', { token: await issuer.token({ scp: 'read' }) })).rejects.toThrow('aborted');
    const passed = await api.call('/streams/later', { token: await issuer.token({ scp: 'write' }) });
    expect([passed.status, passed.text]).toEqual([200, 'rowlast']);
  });

  it.each([
    [platforms[0], 400],
    [platforms[1], 500],
  ] as const)('leaves an error of the application to Nest, on $platform', async (platform, expected) => {
    const api = await serve(platform, { controllers: [Streams] });
    const { status, headers } = await api.call('/streams/broken', { token: await issuer.token() });
    expect([status, headers['www-authenticate']]).toEqual([expected, undefined]);
  });
});
