/** A decorated class that gates the methods of the classes below it. */
import { gateMethods } from './handlers.js';

type Constructor = new (...parameters: unknown[]) => object;

const watched = new WeakSet<object>();

/** What reflect-metadata adds to `Reflect`, where an application has loaded it. */
interface MetadataReflection {
  getOwnMetadataKeys(target: object): unknown[];
  getOwnMetadata(key: unknown, target: object): unknown;
  defineMetadata(key: unknown, value: unknown, target: object): void;
}

/** Metadata of other libraries, which stands on the class that is replaced. */
function copyMetadata(from: object, to: object): void {
  const metadata = Reflect as unknown as Partial<MetadataReflection>;
  for (const key of metadata.getOwnMetadataKeys?.(from) ?? []) {
    metadata.defineMetadata?.(key, metadata.getOwnMetadata?.(key, from), to);
  }
}

/**
 * A class that gates the methods of the classes below it. Where one of those bears no decorator, its first instance is
 * what shows it.
 */
export function watch(constructor: { readonly prototype: object }): object {
  if (watched.has(constructor)) return constructor;
  const seen = new WeakSet([constructor.prototype]);
  const watching = new Proxy(constructor as Constructor, {
    construct(target, parameters, newTarget) {
      const prototype = newTarget.prototype as object;
      if (!seen.has(prototype)) {
        seen.add(prototype);
        gateMethods(prototype);
      }
      return Reflect.construct(target, parameters, newTarget) as object;
    },
  });
  copyMetadata(constructor, watching);
  Object.defineProperty(constructor.prototype, 'constructor', { value: watching, writable: true, configurable: true });
  watched.add(watching);
  return watching;
}
