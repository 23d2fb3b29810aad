// The parent's side of the server: starts a variant, and puts it under load.
import { startChild } from './child.mjs';
import { prove } from './proof.mjs';

/**
 * @param proof - a token by which the variant is proven to verify
 * @param route - as `start` of server.mjs has it
 */
export async function startHost(variant, express, facts, proof, route) {
  const child = startChild('server.mjs', { core: 0 });
  const port = await child.ask('start', { variant: variant.name, express, facts, route });
  const url = `http://127.0.0.1:${port}/weather`;
  await prove(variant, proof, (token) => statusOf(url, token));
  return { ask: child.ask, stop: child.stop, url };
}

async function statusOf(url, token) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers });
  await response.arrayBuffer();
  return response.status;
}

/** Puts a host under load, and sees what each request costs it. */
export async function measure(host, load, options) {
  await host.ask('begin');
  const { seconds, p50, p99, requests } = await load.ask('run', { url: host.url, ...options });
  const spent = await host.ask('end');
  return {
    throughput: requests / seconds,
    p50,
    p99,
    cpu: spent.all / spent.requests,
    mainCpu: spent.main / spent.requests,
    requests: spent.requests,
  };
}
