/** Verifies the tokens of either authority. */
import type { Settings } from '../configuration/settings.js';
import type { B2cVerifier } from './b2c-verifier.js';
import { createTokenLru, digestOf, type Lru } from './token-cache.js';
import type { Verification } from './verified-token.js';
import type { Verifier } from './verifier.js';

/** Verifies tokens of either of two authorities: that of a B2C policy where the token names one, else of Entra ID. */
export class EitherVerifier implements Verifier {
  readonly #entra: Verifier;
  readonly #b2c: B2cVerifier;
  /** Which of the two a token's own text calls for, by digest: whether it was verified before has no say in that. */
  readonly #choices: Lru<Verifier> | undefined;

  constructor(entra: Verifier, b2c: B2cVerifier, { tokenCacheEntries }: Settings) {
    this.#entra = entra;
    this.#b2c = b2c;
    this.#choices = createTokenLru(tokenCacheEntries);
  }

  verify(text: string): Verification | Promise<Verification> {
    const digest = digestOf(text);
    let choice = this.#choices?.get(digest);
    if (choice === undefined) {
      choice = this.#b2c.claims(text) ? this.#b2c : this.#entra;
      this.#choices?.set(digest, choice);
    }
    return choice.verify(text, digest);
  }

  async ready(): Promise<void> {
    await Promise.all([this.#entra.ready(), this.#b2c.ready()]);
  }
}
