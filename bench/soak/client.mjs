// Sends requests over connections that stay open, and holds each answer against what it must be.
import { Agent, request as httpRequest } from 'node:http';

/** A request without an answer for so long counts as hanging. The longest documented wait is for three documents. */
const timeLimitMs = 20_000;

export class Client {
  #port;
  #agent;
  connections = 0;

  constructor(port, mostConnections) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive: true, maxSockets: mostConnections });
    const connect = this.#agent.createConnection.bind(this.#agent);
    this.#agent.createConnection = (...parameters) => {
      this.connections++;
      return connect(...parameters);
    };
  }

  /** @returns status, headers and body; or `hang`, or `error` */
  send({ path, token, body }) {
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': body.length }),
    };
    return new Promise((resolve) => {
      const outgoing = httpRequest({
        agent: this.#agent,
        host: '127.0.0.1',
        port: this.#port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers,
        timeout: timeLimitMs,
      });
      outgoing.on('timeout', () => {
        resolve({ hang: true });
        outgoing.destroy();
      });
      outgoing.on('error', (error) => resolve({ error: error.code ?? error.message }));
      outgoing.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('error', (error) => resolve({ error: error.code ?? error.message }));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
      });
      outgoing.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}

/** What is wrong with an answer beside its status, or undefined: the caller's own data, or the documented refusal. */
export function faultIn(request, { status, headers, text }) {
  const body = parse(text);
  const challenge = headers['www-authenticate'];
  switch (status) {
    case 200:
      if (request.kind === 'open') return body?.ok === true ? undefined : 'another body';
      return body?.oid === request.oid ? undefined : "another caller's answer";
    case 401: {
      const code = request.kind === 'anonymous' ? 'missing_token' : 'invalid_token';
      const starts = request.kind === 'anonymous' ? 'Bearer' : 'Bearer error="invalid_token"';
      return body?.error === code && challenge?.startsWith(starts) ? refusalFault(headers) : 'another refusal';
    }
    case 403:
      return body?.error === 'insufficient_scope' && challenge?.includes('scope="')
        ? refusalFault(headers)
        : 'another refusal';
    case 503:
      if (body?.error !== 'issuer_unavailable' || challenge !== undefined) return 'another refusal';
      return Number(headers['retry-after']) >= 1 ? refusalFault(headers) : 'no Retry-After';
    default:
      return `status ${status}`;
  }
}

export function refusalFault(headers) {
  return headers['cache-control'] === 'no-store' ? undefined : 'a refusal that may be cached';
}

export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
