/** The issuer and the signing keys that an authority publishes, kept as the last known good. */
import { keysChannel, type KeysEvent } from '../channels.js';
import { downloadJson } from '../download.js';
import { IssuerUnavailableError } from '../errors.js';
import type { Authority } from '../issuers/authority.js';
import { hasPassed, keptForMs, LastKnownGood } from './last-known-good.js';
import { readConfiguration, type PublishedIssuer } from './openid-configuration.js';
import { readSigningKeys, type SigningKey } from './signing-keys.js';

const unknownKidRefreshMs = 5 * 60 * 1000;
const mostRetainedKids = 1_000;

/** Says on the channel for keys how loading a document ended. */
async function observed<T>(what: Omit<KeysEvent, 'outcome'>, load: () => Promise<T>): Promise<T> {
  const say = (outcome: KeysEvent['outcome']) => {
    if (keysChannel.hasSubscribers) keysChannel.publish({ outcome, ...what } satisfies KeysEvent);
  };
  try {
    const loaded = await load();
    say('loaded');
    return loaded;
  } catch (error) {
    say('failed');
    throw error;
  }
}

interface Retained {
  /** More than one where a key set repeats a kid: each of them is the issuer's. */
  readonly keys: readonly SigningKey[];
  readonly seenAtMs: number;
}

export interface KeySetOptions {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Ends all downloads. */
  readonly closing: AbortSignal;
}

/** The issuer and keys of one authority. */
export class KeySet {
  readonly #authority: Authority;
  readonly #now: () => number;
  readonly #configuration: LastKnownGood<PublishedIssuer>;
  readonly #keys: LastKnownGood<ReadonlyMap<string, Retained>>;
  #retained: ReadonlyMap<string, Retained> = new Map();
  #unknownKidAtMs: number | undefined;

  constructor(authority: Authority, { fetch, now, closing }: KeySetOptions) {
    this.#authority = authority;
    this.#now = now;
    const { metadataUrl } = authority;
    this.#configuration = new LastKnownGood(
      () =>
        observed({ document: 'configuration', metadataUrl }, async () =>
          readConfiguration(await downloadJson(fetch, metadataUrl, closing), authority),
        ),
      now,
    );
    this.#keys = new LastKnownGood(
      () =>
        observed({ document: 'keys', metadataUrl }, async () => {
          const { keysUrl } = await this.#configuration.get();
          return this.#retain(await this.#readKeys(await downloadJson(fetch, keysUrl, closing)));
        }),
      now,
    );
  }

  /** What the authority publishes, where that is at hand. */
  get issuer(): PublishedIssuer | undefined {
    return this.#configuration.peek();
  }

  /**
   * What the authority publishes.
   *
   * @throws IssuerUnavailableError
   */
  async loadIssuer(): Promise<PublishedIssuer> {
    try {
      return await this.#configuration.get();
    } catch (cause) {
      throw this.#unavailable(cause);
    }
  }

  /** The keys of a kid where they are at hand; undefined says nothing about the kid. Refreshes in the background. */
  peek(kid: string, now = this.#now()): readonly SigningKey[] | undefined {
    if (this.#configuration.peek(now) === undefined || this.#keys.peek(now) === undefined) return undefined;
    return this.#usable(kid, now);
  }

  /** Whether a key, once found here, is still to be trusted. */
  trusts(key: SigningKey, now = this.#now()): boolean {
    return this.peek(key.kid, now)?.includes(key) === true;
  }

  /**
   * The keys of a kid. A kid that is not known is looked for once more at the issuer, if that was not done for another
   * in the last 5 minutes: a new key works at once, and made-up kids cost the issuer next to nothing.
   *
   * @returns undefined where the issuer has no such key
   * @throws IssuerUnavailableError where that cannot be told
   */
  async find(kid: string): Promise<readonly SigningKey[] | undefined> {
    try {
      await this.#configuration.get();
      await this.#keys.get();
      // A flight under way may bring the kid; one that set out before the kid existed does not count as having looked.
      if (this.#usable(kid) === undefined) await this.#keys.flight;
      if (this.#usable(kid) === undefined) await this.#lookAgain();
    } catch (cause) {
      throw this.#unavailable(cause);
    }
    const keys = this.#usable(kid);
    if (keys === undefined && this.#keys.failure !== undefined) throw this.#unavailable(this.#keys.failure.error);
    return keys;
  }

  /**
   * Loads what is not at hand.
   *
   * @throws IssuerUnavailableError whose message names the options to look at
   */
  async ready(): Promise<void> {
    try {
      await this.#configuration.get();
      await this.#keys.get();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'unknown';
      throw new IssuerUnavailableError({
        cause,
        retryAfterSeconds: this.#retryAfterSeconds,
        message: `The signing keys could not be loaded (${reason}). Look at ${this.#authority.options}.`,
      });
    }
  }

  async #lookAgain(): Promise<void> {
    const now = this.#now();
    if (this.#unknownKidAtMs !== undefined && !hasPassed(unknownKidRefreshMs, this.#unknownKidAtMs, now)) {
      await this.#keys.flight;
      return;
    }
    this.#unknownKidAtMs = now;
    await this.#keys.refresh();
  }

  #usable(kid: string, now = this.#now()): readonly SigningKey[] | undefined {
    const retained = this.#retained.get(kid);
    return retained && now - retained.seenAtMs < keptForMs ? retained.keys : undefined;
  }

  #readKeys(document: unknown): Promise<readonly SigningKey[]> {
    const known = new Map<string, SigningKey>();
    for (const { keys } of this.#retained.values()) for (const key of keys) known.set(key.fingerprint, key);
    return readSigningKeys(document, (fingerprint) => known.get(fingerprint));
  }

  /** Real key sets flap: a kid goes missing for hours and comes back. What was there is kept beside what is. */
  #retain(keys: readonly SigningKey[]): ReadonlyMap<string, Retained> {
    const now = this.#now();
    const byKid = new Map<string, Retained>();
    for (const key of keys) {
      const twins = byKid.get(key.kid)?.keys ?? [];
      if (!twins.some(({ fingerprint }) => fingerprint === key.fingerprint))
        byKid.set(key.kid, { keys: [...twins, key], seenAtMs: now });
    }
    for (const [kid, retained] of this.#retained) {
      if (byKid.size >= mostRetainedKids) break;
      if (!byKid.has(kid) && now - retained.seenAtMs < keptForMs) byKid.set(kid, retained);
    }
    this.#retained = byKid;
    return byKid;
  }

  get #retryAfterSeconds(): number {
    return Math.max(this.#configuration.retryAfterSeconds, this.#keys.retryAfterSeconds);
  }

  #unavailable(cause: unknown): IssuerUnavailableError {
    return new IssuerUnavailableError({ cause, retryAfterSeconds: this.#retryAfterSeconds });
  }
}
