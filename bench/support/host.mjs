// The parent's side of the server: starts a variant, proves that it verifies, and puts it under load.
import { tampered } from './authority.mjs';
import { startChild } from './child.mjs';

export async function startHost(variant, express, facts) {
  const child = startChild('server.mjs', { core: 0 });
  const port = await child.ask('start', { variant, express, facts });
  return { ask: child.ask, stop: child.stop, url: `http://127.0.0.1:${port}/weather` };
}

async function statusOf(url, token) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers });
  await response.arrayBuffer();
  return response.status;
}

/** Refuses to go on with a variant that lets in what it must not, on a first request or on a later one. */
export async function prove(host, { name, isOpen }, token) {
  const bad = isOpen ? 200 : 401;
  const cases = [
    ['no token', undefined, bad],
    ['a tampered token', tampered(token), bad],
    ['a good token', token, 200],
    ['a good token again', token, 200],
    ['a tampered token after a good one', tampered(token), bad],
  ];
  for (const [what, credential, expected] of cases) {
    const status = await statusOf(host.url, credential);
    if (status !== expected) throw new Error(`${name} answers ${status}, not ${expected}, to ${what}.`);
  }
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
