/** Values that the whole process shares. */

/**
 * A value that all copies of this library in a process share. The first copy that asks for it creates it.
 *
 * An application can load the ES module and the CommonJS build side by side. Each has module variables of its own, so
 * the value is a property of the global object.
 *
 * @param name - of the value; each has one owner, the file that asks for it
 */
export function processWide<T extends object>(name: string, create: () => T): T {
  const key = Symbol.for(`microsoft-identity-decorators/1:${name}`);
  const shared = globalThis as { [key]?: T | undefined };
  return (shared[key] ??= create());
}
