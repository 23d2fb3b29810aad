// What callers send that are refused, each kind with the status of the answer, beside a token that is accepted.
import { randomBytes, randomUUID } from 'node:crypto';
import { tampered } from './authority.mjs';

const garbage = (characters) => randomBytes(characters).toString('base64url').slice(0, characters);

function withHeader(token, members) {
  const [header, ...rest] = token.split('.');
  const changed = { ...JSON.parse(Buffer.from(header, 'base64url')), ...members };
  return [Buffer.from(JSON.stringify(changed)).toString('base64url'), ...rest].join('.');
}

/**
 * @param count - how many different ones of each kind
 * @param unseen - how many tokens for the kind of which none is sent twice
 * @returns the kinds: `name`, `status` of the answer, `credentials` as values of the header; `areSentOnce`; `aheadMs`: they are
 *   accepted, and refused with the status once the clock is so much ahead
 */
export async function credentialKinds(authority, count, unseen) {
  const accepted = await authority.tokens(count);
  const now = Math.floor(Date.now() / 1000);
  const expired = await authority.tokens(count, { claims: { iat: now - 7200, nbf: now - 7200, exp: now - 3600 } });
  // Short enough that no key has to be loaded again before the end of such a token.
  const expiring = await authority.tokens(count, { claims: { exp: now + 15 * 60 } });
  const tid = randomUUID();
  const iss = `https://login.microsoftonline.com/${tid}/v2.0`;
  const foreign = await authority.tokens(count, { claims: { iss, tid } });
  const bearer = (tokens) => tokens.map((token) => `Bearer ${token}`);
  const partsOfGarbage = (token) => token.split('.').map(({ length }) => garbage(length));
  return [
    { name: 'accepted, repeated', status: 200, credentials: bearer(accepted) },
    {
      name: 'accepted, first seen',
      status: 200,
      credentials: bearer(await authority.tokens(unseen)),
      areSentOnce: true,
    },
    { name: 'no token', status: 401, credentials: [null] },
    { name: 'another scheme', status: 401, credentials: accepted.map(() => `Basic ${garbage(40)}`) },
    { name: 'garbage', status: 401, credentials: bearer(accepted.map(({ length }) => garbage(length))) },
    {
      name: 'garbage in three parts',
      status: 401,
      credentials: bearer(accepted.map((token) => partsOfGarbage(token).join('.'))),
    },
    { name: 'foreign issuer', status: 401, credentials: bearer(foreign) },
    {
      name: 'unknown kid',
      status: 401,
      credentials: bearer(accepted.map((token) => withHeader(token, { kid: randomUUID() }))),
    },
    { name: 'expired, never seen', status: 401, credentials: bearer(expired) },
    {
      name: 'expired, seen while it was valid',
      status: 401,
      credentials: bearer(expiring),
      aheadMs: 20 * 60 * 1000,
    },
    { name: 'tampered signature', status: 401, credentials: bearer(accepted.map(tampered)) },
  ];
}
