/** The local issuer's sessions, codes and grants, in memory. */
interface Stored extends Record<string, unknown> {
  readonly uid?: string;
  readonly grantId?: string;
  consumed?: number;
}

/**
 * Creates the adapters of oidc-provider, one per kind of record, on one store.
 *
 * @see https://github.com/panva/node-oidc-provider/blob/main/example/my_adapter.js
 */
export function createMemoryStore() {
  const stored = new Map<string, { readonly payload: Stored; readonly expiresAt: number }>();

  function read(key: string): Stored | undefined {
    const found = stored.get(key);
    if (found !== undefined && found.expiresAt > Date.now()) return found.payload;
    stored.delete(key);
    return undefined;
  }

  return (kind: string) => {
    const keyOf = (id: string) => `${kind}:${id}`;
    return {
      upsert(id: string, payload: Stored, expiresInSeconds: number) {
        stored.set(keyOf(id), { payload, expiresAt: Date.now() + expiresInSeconds * 1000 });
        return Promise.resolve();
      },
      find: (id: string) => Promise.resolve(read(keyOf(id))),
      findByUid(uid: string) {
        const key = [...stored.keys()].find((key) => key.startsWith(`${kind}:`) && read(key)?.uid === uid);
        return Promise.resolve(key === undefined ? undefined : read(key));
      },
      consume(id: string) {
        const payload = read(keyOf(id));
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
        return Promise.resolve();
      },
      destroy(id: string) {
        stored.delete(keyOf(id));
        return Promise.resolve();
      },
      revokeByGrantId(grantId: string) {
        for (const key of stored.keys()) if (read(key)?.grantId === grantId) stored.delete(key);
        return Promise.resolve();
      },
    };
  };
}

export type MemoryStore = ReturnType<typeof createMemoryStore>;
