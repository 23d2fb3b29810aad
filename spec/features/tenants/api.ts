/** An API that serves each account, and what it answers to a token of it. */
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { initialize, RequiresAuth, RequiresB2cAuth, TokenClaims, type IdentityOptions } from '../../../src/index.js';
import { expectRefusal, serve, type Api, type Refusal } from '../../support/api.js';
import { start } from '../../support/clock.js';
import {
  byIssuer,
  byKey,
  bySignature,
  key,
  person,
  refused,
  sign,
  standIn,
  stranger,
  type Claims,
  type Documents,
  type Key,
} from './microsoft.js';

@JsonController()
class TenantsController {
  @Get('/entra')
  @RequiresAuth()
  entra(@TokenClaims('iss') iss: string) {
    return { iss };
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c(@TokenClaims('iss') iss: string) {
    return { iss };
  }
}

export let api: Api;

/** Starts the API for the tests of a file. */
export function useApi(): void {
  beforeAll(async () => {
    api = await serve([TenantsController]);
  });
  afterAll(() => api.close());
  beforeEach(() => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
}

export const now = () => start;

/** What was spoilt, how, and the answer. */
export type NearMiss = readonly [
  what: string,
  spoilt: { readonly claims?: Claims; readonly by?: Key; readonly documents?: Documents },
  refusal: Refusal,
];

export interface Row {
  readonly account: string;
  readonly options: IdentityOptions;
  readonly documents: Documents;
  readonly claims: Claims;
  readonly by?: Key;
  readonly nearMisses?: readonly NearMiss[];
}

const pathOf = ({ options }: Pick<Row, 'options'>) => (options.b2c === undefined ? '/entra' : '/b2c');

/** Spoilt like this, a token of no account passes. */
function spoiltAnywhere({ claims, by = key }: Row): readonly NearMiss[] {
  const { host } = new URL(claims['iss'] as string);
  const strangeIssuer = (claims['iss'] as string).replace(host, `${host}.example`);
  return [
    ['for another API', { claims: { aud: person } }, refused('audience')],
    ['from before', { claims: { exp: start / 1000 - 60 } }, refused('expired')],
    ['of a host that only looks like the right one', { claims: { iss: strangeIssuer } }, byIssuer],
    ['of a key that nobody published', { by: stranger }, byKey],
    ['of a key that bears the name of a published one', { by: { ...stranger, kid: by.kid } }, bySignature],
    [
      'that is an ID token',
      { claims: { scp: undefined, azp: undefined, appid: undefined, nonce: 'n' } },
      refused('token_type'),
    ],
  ];
}

/** Tests that the token of each account passes, and that spoilt ones do not. */
export function describeAccounts(rows: readonly Row[]): void {
  useApi();

  describe.each(rows)('$account', (row) => {
    const { options, claims, by = key } = row;

    it('accepts its token, and sends requests to its own hosts alone', async () => {
      const asked: string[] = [];
      initialize({ ...options, now, fetch: standIn(row.documents, asked) });
      const answer = await api.call(pathOf(row), { token: await sign(claims, by) });
      expect([answer.status, answer.body]).toEqual([200, { iss: claims['iss'] }]);
      expect(asked.filter((url) => !(url in row.documents))).toEqual([]);
    });

    it.each([...spoiltAnywhere(row), ...(row.nearMisses ?? [])])('refuses a token %s', async (_, spoilt, refusal) => {
      initialize({ ...options, now, fetch: standIn({ ...row.documents, ...spoilt.documents }) });
      const token = await sign({ ...claims, ...spoilt.claims }, spoilt.by ?? by);
      expectRefusal(await api.call(pathOf(row), { token }), refusal);
    });
  });
}
