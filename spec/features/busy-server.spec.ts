/** Many first-seen tokens at once, whose signatures are checked beside the event loop: each request gets its own verdict. */
import { AsyncLocalStorage } from 'node:async_hooks';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import 'reflect-metadata';
import express from 'express';
import { Body, JsonController, Post, useExpressServer } from 'routing-controllers';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { requires } from '../../src/core/access/requirement.js';
import { requestWith } from '../../src/core/token/credential.js';
import { identityInForce } from '../../src/gate/identity-in-force.js';
import { getTokenClaims, initialize, RequiresAuth, TokenClaims, type AccessTokenClaims } from '../../src/index.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expectRefusal, listen, type Api } from '../support/api.js';

const asked = new AsyncLocalStorage<string>();

@JsonController()
class EchoController {
  @Post('/echo')
  @RequiresAuth()
  async echo(@TokenClaims() claims: AccessTokenClaims, @Body() body: object) {
    const first = getTokenClaims();
    await nextTurn();
    return { parameter: claims.oid, ahead: first.oid, later: getTokenClaims().oid, store: asked.getStore(), body };
  }
}

/** A token whose signature is that of another payload. */
function forged(token: string, oid: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const other = Buffer.from(JSON.stringify({ ...claims, oid })).toString('base64url');
  return [header, other, signature].join('.');
}

let issuer: TestIssuer;
let api: Api;

/** Has several signatures checked in one turn of the event loop. */
async function makeBusy(round: number): Promise<void> {
  const tokens = await Promise.all([issuer.token({ oid: 'one', round }), issuer.token({ oid: 'two', round })]);
  await nextTurn();
  const check = async (token: string) => identityInForce()?.authenticate(requestWith(token), requires.entra());
  await Promise.all(tokens.map(check));
  await nextTurn();
}

beforeAll(async () => {
  issuer = await startTestIssuer();
  initialize(issuer.options);
  const app = express();
  app.use((request, _response, next) => {
    asked.run(String(request.headers['x-user']), next);
  });
  useExpressServer(app, { controllers: [EchoController] });
  api = await listen(app);
});

afterAll(async () => {
  await api.close();
  await issuer.close();
});

it('gives each of many callers an own verdict, and an own context', async () => {
  const verify = vi.spyOn(crypto, 'verify');
  syncBuiltinESMExports();
  const inPool = () => verify.mock.calls.filter((given: unknown[]) => given.length === 5).length;
  try {
    for (let round = 0; round < 12; round++) {
      await makeBusy(round);
      const users = Array.from({ length: 16 }, (_, index) => `user-${String(round)}-${String(index)}`);
      const tokens = await Promise.all(users.map((oid) => issuer.token({ oid })));
      const isForged = (index: number) => index % 3 === 2;
      const answers = await Promise.all(
        users.map((oid, index) => {
          const token = tokens[index] ?? '';
          return api.call('/echo', {
            method: 'POST',
            token: isForged(index) ? forged(token, 'admin') : token,
            headers: { 'x-user': oid, 'content-type': 'application/json' },
            body: JSON.stringify({ of: oid }),
          });
        }),
      );
      for (const [index, answer] of answers.entries()) {
        const oid = users[index];
        if (isForged(index)) expectRefusal(answer, { invalidToken: 'signature' });
        else {
          expect(answer.status).toBe(200);
          expect(answer.body).toEqual({ parameter: oid, ahead: oid, later: oid, store: oid, body: { of: oid } });
        }
      }
    }
    // Of the two that make it busy, both or none.
    expect(inPool(), 'checked beside the event loop').toBeGreaterThanOrEqual(12 * 16);
    expect(verify.mock.calls, 'checked').toHaveLength(12 * 18);
  } finally {
    verify.mockRestore();
    syncBuiltinESMExports();
  }
});
