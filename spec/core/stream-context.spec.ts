import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { bindStream } from '../../src/core/stream-context.js';
import { requestOf } from '../../src/downstream/downstream-request.js';

const caller = new AsyncLocalStorage<string>();
const bind = (stream: unknown) => {
  bindStream(stream, (run) => caller.run('own', run));
};

async function* names() {
  for (let count = 0; count < 3; count++) {
    await setImmediate();
    yield caller.getStore() ?? 'nobody';
  }
}

const webStream = () => {
  let count = 0;
  return new ReadableStream<string>(
    {
      async pull(controller) {
        await setImmediate();
        if (count++ < 3) controller.enqueue(caller.getStore() ?? 'nobody');
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
};

/** What another caller reads, once the stream has waited. */
async function readByOther(stream: unknown): Promise<unknown[]> {
  await setImmediate();
  return caller.run('other', async () => {
    const read: unknown[] = [];
    for await (const chunk of stream as AsyncIterable<unknown>) read.push(chunk);
    return read;
  });
}

describe('bindStream', () => {
  it.each<[string, () => unknown]>([
    ['of Node', () => Readable.from(names())],
    ['of the web', webStream],
    ['of the web, from a generator', () => ReadableStream.from(names())],
  ])('has the chunks of a stream %s made in the context, whoever reads', async (_, make) => {
    const stream = make();
    bind(stream);
    expect(await readByOther(stream)).toEqual(['own', 'own', 'own']);
  });

  it('leaves a stream that is bound to the first who bound it', async () => {
    const stream = webStream();
    bind(stream);
    bindStream(stream, (run) => caller.run('second', run));
    expect(await readByOther(stream)).toEqual(['own', 'own', 'own']);
  });

  it.each([undefined, null, 'text', 7, Buffer.from('bytes'), { getStream: 1 }, []])('leaves %j alone', (value) => {
    const before = JSON.stringify(value);
    bind(value);
    expect(JSON.stringify(value)).toBe(before);
  });

  it('has a body for another API made in the context of the call, also where it waits before it is read', async () => {
    const api = { name: 'files', headers: {} } as unknown as Parameters<typeof requestOf>[0];
    const stream = webStream();
    const { init } = caller.run('own', () => requestOf(api, { body: stream as never }));
    expect(init.body).toBe(stream);
    expect(await readByOther(stream)).toEqual(['own', 'own', 'own']);
  });
});
