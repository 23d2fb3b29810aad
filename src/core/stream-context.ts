/** Streams whose chunks are made in the asynchronous context of one request, whoever reads them. */
import { processWide } from './process-wide.js';

/** Runs a function in a context. */
export type RunInContext = (run: () => unknown) => unknown;

type Members = Record<PropertyKey, unknown>;

/** What becomes of what a method returned. */
type Use = (returned: unknown, run: RunInContext) => unknown;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null;

/** The methods by which a stream of Node has its chunks made. */
const methodsOfNode = ['_read', '_transform', '_flush', '_destroy'] as const;

/** Has methods of an object run in a context. */
function bindMethods(target: Members, names: readonly PropertyKey[], run: RunInContext, use: Use = same): void {
  for (const name of names) {
    const method = target[name];
    if (typeof method !== 'function') continue;
    const call = (...given: unknown[]) =>
      use(
        run(() => Reflect.apply(method, target, given) as unknown),
        run,
      );
    // A frozen stream stays as it is: code in it has no caller, and is refused.
    Reflect.defineProperty(target, name, { value: call, configurable: true, writable: true });
  }
}

function same(value: unknown): unknown {
  return value;
}

/** A reader or an iterator of a stream of the web: the source of the stream runs where it is asked for a chunk. */
function boundReader(reader: unknown, run: RunInContext): unknown {
  bindMethods(reader as Members, ['read', 'next', 'return', 'cancel'], run);
  return reader;
}

function boundBranches(branches: unknown, run: RunInContext): unknown {
  for (const branch of branches as unknown[]) bindStream(branch, run);
  return branches;
}

function bindStreamOfWeb(stream: Members, run: RunInContext): void {
  bindMethods(stream, ['getReader', 'values', Symbol.asyncIterator], run, boundReader);
  bindMethods(stream, ['tee'], run, boundBranches);
  bindMethods(stream, ['cancel', 'pipeTo', 'pipeThrough'], run);
}

const bound = processWide('bound-streams', () => new WeakSet<object>());

/**
 * Has the chunks of a stream of Node or of the web made in a context: hosts and `fetch` read it in another one. The stream stays
 * the same object. What is piped into it flows in the context that piped it.
 *
 * @param stream - anything else is left as it is, and so is a stream that is bound
 */
export function bindStream(stream: unknown, run: RunInContext): void {
  if (!isObject(stream) || bound.has(stream)) return;
  const isOfWeb = typeof stream['getReader'] === 'function';
  if (!isOfWeb && typeof stream['pipe'] !== 'function') return;
  bound.add(stream);
  if (isOfWeb) bindStreamOfWeb(stream, run);
  else bindMethods(stream, methodsOfNode, run);
}
