// Who calls, and with what: a thousand users with tokens of their own, and everyone whose token must not pass.
const users = 1_000;
const spoiled = 40;
const lifetimeMs = 60 * 60_000;

/** How often each kind is sent, out of 100. */
const shares = {
  valid: 52,
  'long-lived': 5,
  expired: 7,
  'wrong scope': 7,
  'wrong audience': 6,
  forged: 5,
  garbage: 6,
  anonymous: 5,
  'unknown kid': 5,
  open: 2,
};
const bag = Object.entries(shares).flatMap(([kind, share]) => Array.from({ length: share }, () => kind));

/** Random numbers that are the same in every run (mulberry32). */
export function randomFrom(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below) | 0;
  };
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const long = 'A'.repeat(8_000);
const deep = `${encode({ alg: 'RS256', kid: 'x' })}.${Buffer.from('['.repeat(4_000)).toString('base64url')}.AAAA`;
const oidOf = (index) => `user-${index}`;

/** Of ten users six have v2.0 tokens, two v1.0 tokens; one is an application, one a B2C customer. */
function sign(issuer, index, claims) {
  const form = index % 10;
  const own = { oid: oidOf(index), ...claims };
  if (form === 6 || form === 7) return issuer.v1Token(own);
  if (form === 8) return issuer.appToken(own);
  return form === 9 ? issuer.b2cToken(own) : issuer.token(own);
}

const pathOf = (index) => (index % 10 === 9 ? '/customers/7' : '/orders/7');

export class Traffic {
  #issuer;
  #random = randomFrom(20_260_101);
  #generation = 1;
  #pools = {};
  #longLived = [];
  #made = 0;

  constructor(issuer) {
    this.#issuer = issuer;
  }

  /**
   * Signs tokens for the next phase with the issuer's present key.
   *
   * @param generation - of that key
   * @param fromMs - when the tokens start to be valid
   * @param nowMs - the clock in the next phase; the tokens end an hour after it
   */
  async sign(generation, fromMs, nowMs) {
    const from = Math.floor(fromMs / 1000);
    const expiresAtMs = nowMs + lifetimeMs;
    const times = { iat: from, nbf: from, exp: expiresAtMs / 1000 };
    const make = (kind, count, claims, ends = expiresAtMs) =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => ({
          kind,
          generation,
          expiresAtMs: ends,
          path: pathOf(index),
          oid: oidOf(index),
          token: await sign(this.#issuer, index, { ...times, ...claims }),
        })),
      );
    const foreign = { aud: '00000003-0000-0000-c000-000000000000' };
    const past = fromMs - lifetimeMs;
    this.#pools = {
      valid: await make('valid', users, {}),
      expired: await make('expired', spoiled, { exp: past / 1000 }, past),
      // Of applications, which have roles in place of scopes, too.
      'wrong scope': await make('wrong scope', spoiled, { scp: 'profile', roles: ['Reader'] }),
      'wrong audience': await make('wrong audience', spoiled, foreign),
    };
    if (generation !== this.#generation || this.#longLived.length === 0) {
      this.#generation = generation;
      const ends = fromMs + 7 * 24 * lifetimeMs;
      this.#longLived.push(...(await make('long-lived', spoiled, { exp: ends / 1000 }, ends)));
    }
  }

  /** The first requests of a phase: each form of token, so that no document stays unasked for. */
  opening() {
    const forms = [0, 6, 8, 9].map((index) => this.#pools.valid[index]);
    return [...forms, this.#request('unknown kid')];
  }

  next() {
    return this.#request(bag[this.#random(bag.length)]);
  }

  #request(kind) {
    switch (kind) {
      case 'open':
        return { kind, path: '/health' };
      case 'anonymous':
        return { kind, path: '/orders/7' };
      case 'garbage':
        return { kind, path: '/orders/7', token: this.#garbage() };
      case 'unknown kid':
        return { kind, path: '/orders/7', token: this.#withUnknownKid(this.#pools.valid[0].token) };
      case 'forged': {
        const victim = this.#pick(this.#pools.valid);
        return { ...victim, kind, token: forge(victim.token) };
      }
      case 'long-lived':
        return this.#pick(this.#longLived);
      default: {
        const request = this.#pick(this.#pools[kind]);
        const posts = request.path === '/orders/7' && this.#random(4) === 0;
        return posts ? { ...request, path: '/orders', body: '{"id":"7"}' } : request;
      }
    }
  }

  #pick(list) {
    return list[this.#random(list.length)];
  }

  #withUnknownKid(token) {
    const header = encode({ typ: 'JWT', alg: 'RS256', kid: `made-up-${++this.#made}` });
    return header + token.slice(token.indexOf('.'));
  }

  #garbage() {
    const { token } = this.#pick(this.#pools.valid);
    const forms = [
      'null',
      token.slice(0, token.lastIndexOf('.')),
      `${token}=`,
      `${token}.${token}`,
      `"${token}"`,
      long,
      deep,
      `${encode([])}.${encode(7)}.AAAA`,
    ];
    return this.#pick(forms);
  }
}

/** Somebody else's name and more rights, under a signature that was made for less. */
export function forge(token) {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return [header, encode({ ...claims, oid: 'forged', roles: ['access_as_app'] }), signature].join('.');
}
