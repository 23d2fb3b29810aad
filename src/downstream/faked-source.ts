/** The APIs that a test fakes: what `runAs` was given, in place of tokens and of the network. */
import type { TestContext, VerifiedContext } from '../core/access/current-request.js';
import type { DownstreamApiSettings } from '../core/configuration/settings.js';
import { ConfigurationError } from '../core/errors.js';
import { addressedTo } from '../gate/refusal.js';
import type { TokenSource } from './token-source.js';

/** The token of every fake. */
const fakeToken = 'token-of-a-test';
const fakeLifeMs = 3_600_000;

/** Whether no gate verified the claims: a test gave them. */
export function isTest(context: VerifiedContext): context is TestContext {
  return context.requirement === undefined;
}

/** An API that is not configured has an address that leads nowhere (RFC 6761 §6.2). */
function settingsOf(name: string): DownstreamApiSettings {
  const baseUrl = `https://${name.toLowerCase()}.test`;
  const scopes = [`${baseUrl}/.default`];
  return { name, baseUrl, scopes, resource: baseUrl, tenantId: undefined, timeoutMs: 30_000, headers: {} };
}

/**
 * The source of an API within `runAs`. It asks for no token and never reaches the network.
 *
 * @param name - of the API, as the test names its fake
 * @param configured - the API where it is configured
 */
export function fakedSource(
  context: TestContext,
  as: TokenSource['as'],
  name: string,
  configured?: DownstreamApiSettings,
): TokenSource {
  const fake = () => {
    const found = context.fakes?.get(name);
    if (found !== undefined) return found;
    throw new ConfigurationError(
      `The API ${name} is called in runAs, which has no fake of it. ` +
        `Write runAs(claims, fn, { downstream: { '${name}': (request) => Response.json({}) } }). ` +
        'An argument for a parameter with @OnBehalfOf or @AsApplication is replaced.',
    );
  };
  return {
    as,
    isBound: true,
    settings() {
      fake();
      return configured ?? settingsOf(name);
    },
    async fetch(input, init) {
      const answer: unknown = await fake()(new Request(input, init));
      // By the members that are read: the Response of another realm or library has a class of its own.
      if (typeof answer === 'object' && answer !== null && 'status' in answer && 'headers' in answer) {
        return answer as Response;
      }
      throw new ConfigurationError(`The fake of the API ${name} in runAs must return a Response.`);
    },
    token() {
      fake();
      const now = Date.now();
      return { token: fakeToken, expiresAtMs: now + fakeLifeMs, refreshAtMs: now + fakeLifeMs };
    },
    addressed: (error) => addressedTo(context, error),
  };
}
