/** Verifies tokens of either scheme. */
import type { Settings } from '../configuration/settings.js';
import { createTokenLru, digestOf, type Lru } from './token-cache.js';
import type { Verification } from './verified-token.js';
import type { Verifier } from './verifier.js';

/** Verifies the tokens that name a configured B2C policy as B2C's, and all others as Entra ID's. */
export class EitherVerifier implements Verifier {
  readonly #entra: Verifier;
  readonly #b2c: Verifier;
  readonly #isForB2c: (text: string) => boolean;
  /** By digest of the token. Only the text of the token decides, not which verifier accepted it before. */
  #choices: Lru<Verifier> | undefined;
  readonly #mostChoices: number;

  constructor(
    entra: Verifier,
    b2c: Verifier,
    isForB2c: (text: string) => boolean,
    { tokenCacheEntries }: Pick<Settings, 'tokenCacheEntries'>,
  ) {
    this.#entra = entra;
    this.#b2c = b2c;
    this.#isForB2c = isForB2c;
    this.#mostChoices = tokenCacheEntries;
  }

  verify(text: string): Verification | Promise<Verification> {
    const digest = digestOf(text);
    let choice = this.#choices?.get(digest);
    if (choice === undefined) {
      choice = this.#isForB2c(text) ? this.#b2c : this.#entra;
      // Made for the first token: its memory is reserved in full.
      this.#choices ??= createTokenLru(this.#mostChoices);
      this.#choices?.set(digest, choice);
    }
    return choice.verify(text, digest);
  }
}
