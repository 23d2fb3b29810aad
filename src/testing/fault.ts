/** Faults in the answers of the local issuer, and how it answers with them and without. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseJsonObject } from '../core/json.js';

/** What the issuer answers: an OpenID configuration, a key set, or a token request. */
export type AnswerKind = 'metadata' | 'keys' | 'token';

/** A fault in the answers of the issuer. Members can be combined. */
export interface Fault {
  /** The answers with the fault: OpenID configurations, key sets, or those of the token endpoint. Default: all. */
  readonly on?: AnswerKind;
  /** The connection is reset. */
  readonly down?: boolean;
  /** How long the answer is delayed, in milliseconds. */
  readonly slowMs?: number;
  /** The status of the answer. Default: that of the right answer. */
  readonly status?: number;
  /** Headers that are added to the answer, or that replace its own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body of the answer, or a function that makes it from the right one. */
  readonly body?: string | Uint8Array | ((document: Record<string, unknown>) => unknown);
  /** Answers instead of the issuer, for slow or endless answers. Of the other members only `on` and `down` apply. */
  readonly answer?: (response: ServerResponse) => void;
}

/** A right answer. */
export interface RightAnswer {
  readonly on: AnswerKind;
  readonly status: number;
  readonly document: object;
  /** A fault of this answer alone. Members of the fault of all answers replace its members. */
  readonly fault?: Fault;
}

function bodyOf({ body }: Fault, document: object): string | Uint8Array {
  if (typeof body === 'function') return JSON.stringify(body({ ...document }));
  return body ?? JSON.stringify(document);
}

/** The document of an answer with its own fault, where that makes one. */
function documentOf({ document, fault: { body } = {} }: RightAnswer): object {
  return (typeof body === 'string' ? parseJsonObject(body) : undefined) ?? document;
}

/** Sends an answer, with the fault where it concerns the answer. */
export function respond(
  request: IncomingMessage,
  response: ServerResponse,
  right: RightAnswer,
  fault: Fault = {},
): void {
  const isConcerned = fault.on === undefined || fault.on === right.on;
  const ofAll = isConcerned ? fault : {};
  const { down, answer, status, headers, slowMs }: Fault = { ...right.fault, ...ofAll };
  if (down === true) {
    request.socket.destroy();
    return;
  }
  if (answer !== undefined) {
    answer(response);
    return;
  }
  const send = () => {
    response.writeHead(status ?? right.status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': right.on === 'token' ? 'no-store' : 'max-age=86400, private',
      ...headers,
    });
    response.end(
      ofAll.body === undefined ? bodyOf(right.fault ?? {}, right.document) : bodyOf(ofAll, documentOf(right)),
    );
  };
  if (slowMs === undefined) send();
  else setTimeout(send, slowMs).unref();
}
