/** The issuer and the signing keys that an authority publishes. While loading fails, the last ones are kept. */
import { keysChannel, type KeysEvent } from '../channels.js';
import { downloadJson } from '../download.js';
import { IssuerUnavailableError } from '../errors.js';
import type { Authority } from '../issuers/authority.js';
import { matchIssuer } from '../issuers/issuer.js';
import { readSigningKeys, type SigningKey } from './key-set-document.js';
import { hasPassed, keptForMs, LastKnownGood } from './last-known-good.js';
import { readConfiguration, type PublishedIssuer } from './openid-configuration.js';
import { adviceOn } from './unavailable-keys.js';

const unknownKidRefreshMs = 5 * 60 * 1000;
const mostKeptKids = 1_000;

/** Publishes on the channel for keys how loading a document ended. */
async function observed<T>(what: Omit<KeysEvent, 'outcome'>, load: () => Promise<T>): Promise<T> {
  const publish = (outcome: KeysEvent['outcome']) => {
    if (keysChannel.hasSubscribers) keysChannel.publish({ outcome, ...what } satisfies KeysEvent);
  };
  try {
    const loaded = await load();
    publish('loaded');
    return loaded;
  } catch (error) {
    publish('failed');
    throw error;
  }
}

/** The keys of one kid. */
interface KeysOfKid {
  /** More than one if a key set repeats a kid: each of them belongs to the issuer. */
  readonly keys: readonly SigningKey[];
  /** When a key set last held the kid. */
  readonly seenAtMs: number;
}

type KeysByKid = ReadonlyMap<string, KeysOfKid>;

/** The signing keys of a key set. Those that were known before are not imported again. */
function readKeys(document: unknown, previous: KeysByKid | undefined): Promise<readonly SigningKey[]> {
  const known = new Map<string, SigningKey>();
  for (const { keys } of previous?.values() ?? []) for (const key of keys) known.set(key.fingerprint, key);
  return readSigningKeys(document, (fingerprint) => known.get(fingerprint));
}

/** The keys of a new key set, and the previous ones that it lacks: Microsoft's key sets lose a kid for hours at times. */
function keepMissing(keys: readonly SigningKey[], previous: KeysByKid | undefined, nowMs: number): KeysByKid {
  const byKid = new Map<string, KeysOfKid>();
  for (const key of keys) {
    const twins = byKid.get(key.kid)?.keys ?? [];
    if (!twins.some(({ fingerprint }) => fingerprint === key.fingerprint)) {
      byKid.set(key.kid, { keys: [...twins, key], seenAtMs: nowMs });
    }
  }
  for (const [kid, missing] of previous ?? []) {
    if (byKid.size >= mostKeptKids) break;
    if (!byKid.has(kid) && nowMs - missing.seenAtMs < keptForMs) byKid.set(kid, missing);
  }
  return byKid;
}

/** The keys of a kid, and what their issuer publishes about itself. */
export interface FoundKeys {
  readonly keys: readonly SigningKey[];
  readonly issuer: PublishedIssuer;
}

export interface IssuerKeysOptions {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Aborts all downloads. Read with the first of them. */
  readonly closing: AbortSignal;
}

/** The issuer and keys of one authority. */
export class IssuerKeys {
  readonly #authority: Authority;
  readonly #now: () => number;
  readonly #configuration: LastKnownGood<PublishedIssuer>;
  readonly #keys: LastKnownGood<KeysByKid>;
  #unknownKidAtMs: number | undefined;

  constructor(authority: Authority, options: IssuerKeysOptions) {
    const { fetch, now } = options;
    this.#authority = authority;
    this.#now = now;
    const { metadataUrl } = authority;
    this.#configuration = new LastKnownGood(
      () =>
        observed({ document: 'configuration', metadataUrl }, async () =>
          readConfiguration(await downloadJson(fetch, metadataUrl, options.closing), authority),
        ),
      now,
    );
    this.#keys = new LastKnownGood(
      (previous) =>
        observed({ document: 'keys', metadataUrl }, async () => {
          const { keysUrl } = await this.#configuration.get();
          return keepMissing(
            await readKeys(await downloadJson(fetch, keysUrl, options.closing), previous),
            previous,
            now(),
          );
        }),
      now,
    );
  }

  /** What the authority publishes about itself, if it is loaded. */
  get issuer(): PublishedIssuer | undefined {
    return this.#configuration.peek();
  }

  /**
   * What the authority publishes about itself.
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

  /**
   * Whether an issuer is the one that the authority publishes. Answers without a promise, and without a request, if the
   * OpenID configuration is loaded, or if the form of the issuer shows that it is another.
   *
   * @throws IssuerUnavailableError
   */
  isIssuer(issuer: string): boolean | Promise<boolean> {
    const { issuer: published } = this;
    if (published !== undefined) return matchIssuer(issuer, published.issuer) !== false;
    if (!this.#authority.mayIssueAs(issuer)) return false;
    return this.loadIssuer().then((loaded) => matchIssuer(issuer, loaded.issuer) !== false);
  }

  /** The keys of a kid, if they are loaded. Starts a refresh in the background if one is due. */
  peek(kid: string, now = this.#now()): readonly SigningKey[] | undefined {
    if (this.#configuration.peek(now) === undefined) return undefined;
    const found = this.#keys.peek(now)?.get(kid);
    return found && now - found.seenAtMs < keptForMs ? found.keys : undefined;
  }

  /** Whether a key that was found here is still trusted. */
  trusts(key: SigningKey, now = this.#now()): boolean {
    return this.peek(key.kid, now)?.includes(key) === true;
  }

  /**
   * The keys of a kid. Answers without a promise if they are loaded.
   *
   * For an unknown kid the key set is loaded again, unless that was done for another in the last 5 minutes. So a new
   * key works at once, and made-up kids cause few requests to the issuer.
   *
   * @returns undefined if the issuer has no such key
   * @throws IssuerUnavailableError if the key set could not be loaded
   */
  find(kid: string): FoundKeys | undefined | Promise<FoundKeys | undefined> {
    return this.#found(kid) ?? this.#lookUp(kid);
  }

  #found(kid: string): FoundKeys | undefined {
    const { issuer } = this;
    const keys = this.peek(kid);
    return issuer && keys && { keys, issuer };
  }

  async #lookUp(kid: string): Promise<FoundKeys | undefined> {
    try {
      await this.#configuration.get();
      await this.#keys.get();
      // A load under way may bring the kid. If not, the kid may be newer than that load, and one more is due.
      if (this.peek(kid) === undefined) await this.#keys.flight;
      if (this.peek(kid) === undefined) await this.#lookAgain();
    } catch (cause) {
      throw this.#unavailable(cause);
    }
    const found = this.#found(kid);
    if (found === undefined && this.#keys.failure !== undefined) throw this.#unavailable(this.#keys.failure.error);
    return found;
  }

  /**
   * Loads what is not loaded yet.
   *
   * @throws IssuerUnavailableError whose message names the cause, and the options to look at
   */
  async ready(): Promise<void> {
    try {
      await this.#configuration.get();
      await this.#keys.get();
    } catch (cause) {
      throw new IssuerUnavailableError({
        cause,
        retryAfterSeconds: this.#retryAfterSeconds,
        message: `The signing keys could not be loaded: ${adviceOn(cause, this.#authority)}`,
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

  get #retryAfterSeconds(): number {
    return Math.max(this.#configuration.retryAfterSeconds, this.#keys.retryAfterSeconds);
  }

  #unavailable(cause: unknown): IssuerUnavailableError {
    return new IssuerUnavailableError({ cause, retryAfterSeconds: this.#retryAfterSeconds });
  }
}
