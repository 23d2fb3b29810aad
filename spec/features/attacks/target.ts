/** What the attacks are sent to. Each spoils one thing in a token that is accepted as it was. */
import 'reflect-metadata';
import { Get, JsonController } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initialize, RequiresAuth, RequiresB2cAuth, ValidateScope } from '../../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { expectRefusal, serve, type Api, type Refusal } from '../../support/api.js';

@JsonController()
class TargetController {
  @Get('/entra')
  @RequiresAuth()
  @ValidateScope('access_as_user')
  entra() {
    ran++;
    return {};
  }

  @Get('/b2c')
  @RequiresB2cAuth()
  b2c() {
    ran++;
    return {};
  }

  @Get('/b2c/susi')
  @RequiresB2cAuth({ policy: 'B2C_1_susi' })
  susi() {
    ran++;
    return {};
  }

  @Get('/open-to-any-scope')
  @RequiresAuth()
  anyScope() {
    ran++;
    return {};
  }
}

/** The issuer of the file that runs. */
export let issuer: TestIssuer;

/** The API that is attacked. */
export let api: Api;

/** How many actions have run since the test began. */
export let ran = 0;

/** Starts the issuer and the API for the tests of a file. */
export function useTarget(): void {
  beforeAll(async () => {
    issuer = await startTestIssuer();
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    api = await serve([TargetController]);
  });
  beforeEach(() => {
    ran = 0;
  });
  afterAll(async () => {
    await api.close();
    await issuer.close();
  });
}

export const encode = (value: string | object) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

interface Parts {
  readonly header: Record<string, unknown>;
  readonly payload: Record<string, unknown>;
  readonly text: readonly [string, string, string];
}

export async function accepted(): Promise<Parts> {
  const text = (await issuer.token()).split('.') as [string, string, string];
  const [header, payload] = text
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object);
  return { header: { ...header }, payload: { ...payload }, text };
}

/** A token whose JSON is written out by hand, under a good signature. */
export async function written(
  spoil: (json: { header: string; payload: string }) => { header?: string; payload?: string },
) {
  const { header, payload } = await accepted();
  const json = { header: JSON.stringify(header), payload: JSON.stringify(payload) };
  const spoiled = { ...json, ...spoil(json) };
  return issuer.sign(spoiled.header, spoiled.payload);
}

export const withMember = (json: string, member: string) => `${json.slice(0, -1)},${member}}`;

export const seconds = () => Math.floor(Date.now() / 1000);

export type Row = [name: string, expected: Refusal | 'accepted', token: () => Promise<string>, path?: string];

export const token = (reason: string): Refusal => ({ invalidToken: reason });
export const claims = (overrides: object) => () => issuer.token({ ...overrides });
export const header = (overrides: object) => () => issuer.token({}, { ...overrides });

/** Tests one row per attack, under the name of what is attacked. */
export function describeAttacks(tables: Readonly<Record<string, readonly Row[]>>): void {
  useTarget();

  describe.each(Object.entries(tables))('%s', (_, rows) => {
    const cases = rows.map(([name, expected, ...rest]): Row => {
      const verb = expected === 'accepted' ? 'accepts' : 'refuses';
      return [`${verb} ${name}`, expected, ...rest];
    });

    it.each(cases)('%s', async (_name, expected, make, path = '/entra') => {
      // A token that nothing was done to passes at this moment, so the one thing spoiled is what is refused.
      const good = path === '/entra' ? issuer.token() : issuer.b2cToken();
      expect((await api.call(path, { token: await good })).status).toBe(200);
      expect(ran).toBe(1);
      const answer = await api.call(path, { token: await make() });
      if (expected === 'accepted') {
        expect([answer.status, ran]).toEqual([200, 2]);
      } else {
        expectRefusal(answer, expected);
        expect(ran).toBe(1);
      }
    });
  });
}
