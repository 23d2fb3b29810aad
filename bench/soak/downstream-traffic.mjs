// Who calls the API that calls another, what each must be answered, and how many token requests each may cause.
import { parse, refusalFault } from './client.mjs';
import { forge, randomFrom } from './traffic.mjs';

const users = 500;
const newSessions = 60;

/** How often each kind is sent, out of 100. */
const shares = { me: 50, service: 14, strict: 8, stock: 10, 'of an app': 5, anonymous: 4, expired: 5, forged: 4 };
const bag = Object.entries(shares).flatMap(([kind, share]) => Array.from({ length: share }, () => kind));
const paths = { service: '/service', strict: '/strict', stock: '/stock' };
const day = 24 * 60 * 60;

/** How long before a token request, and after it, something can have disturbed the agreement of the processes. */
const beforeMs = 2_000;
const afterMs = 1_000;

/** A token of a user, and what was obtained with it since the tokens for the other API began their life. */
class Session {
  /** When the token requests were answered that had to succeed, in real time. */
  requestedAtMs = [];
  failedRequests = 0;
  /** The processes that keep a token for the other API. */
  kept = new Set();
  /** Whether Redis lost tokens, or was too slow. */
  isDisturbed = false;

  constructor(oid, id, token) {
    Object.assign(this, { oid, id, token });
  }

  startLife() {
    this.requestedAtMs = [];
    this.isDisturbed = false;
  }
}

export class DownstreamTraffic {
  #issuer;
  #processes;
  #random = randomFrom(20_260_102);
  #sessions = [];
  #byId = new Map();
  #others = {};
  #made = 0;
  #phase;
  #stepUps = 0;
  #strictCalls = 0;
  #appRequests = 0;
  #sent = 0;
  #disturbedAtMs = [];
  #heldToOne = 0;

  constructor(issuer, processes) {
    this.#issuer = issuer;
    this.#processes = processes;
    issuer.userPolicy = ({ assertion, claims }) => this.#decide(this.#byId.get(assertion.sid), claims);
  }

  /** Conditional Access of the issuer, which also counts. */
  #decide(session, claims) {
    const { failure, refuse } = this.#phase;
    const isStepUp = claims?.access_token?.acrs !== undefined;
    if (isStepUp) this.#stepUps++;
    else if (failure === undefined) session.requestedAtMs.push(Date.now());
    else session.failedRequests++;
    if (refuse !== undefined) return { refuse };
    return isStepUp ? { claims: { acrs: ['c1'] } } : undefined;
  }

  async #sign(oid, nowMs) {
    const id = `session-${++this.#made}`;
    const claims = { oid, sid: id, exp: Math.floor(nowMs / 1000) + 7 * day };
    return new Session(oid, id, await this.#issuer.token(claims));
  }

  /** Before a phase: some users sign in again, and lives of tokens end. */
  async enter(phase, nowMs) {
    this.#phase = phase;
    if (phase.ends) for (const session of this.#sessions) session.kept.clear();
    if (phase.ends || phase.renews) for (const session of this.#sessions) session.startLife();
    const places = Array.from({ length: this.#sessions.length === 0 ? users : newSessions }, (_, index) =>
      this.#sessions.length === 0 ? index : this.#random(users),
    );
    for (const place of new Set(places)) {
      const session = await this.#sign(`user-${place}`, nowMs);
      this.#byId.delete(this.#sessions[place]?.id);
      this.#sessions[place] = session;
      this.#byId.set(session.id, session);
    }
    for (const session of this.#sessions) session.failedRequests = 0;
    this.#others = {
      'of an app': await this.#issuer.appToken(),
      expired: await this.#issuer.token({ exp: Math.floor(nowMs / 1000) - 3600 }),
    };
    this.#stepUps = 0;
    this.#strictCalls = 0;
    this.#sent = 0;
    this.#appRequests = this.#appRequestsSoFar();
  }

  #appRequestsSoFar() {
    return this.#issuer.tokenRequests.filter(({ grant }) => grant === 'client_credentials').length;
  }

  /** The first requests of a phase: each process gets its own token. */
  opening() {
    return Array.from({ length: this.#processes }, (_, process) => ({ ...this.#request('stock'), process }));
  }

  /** One request, or the same to all processes at once. */
  next() {
    const request = this.#request(bag[this.#random(bag.length)]);
    const all = Array.from({ length: this.#processes }, (_, process) => ({ ...request, process }));
    return this.#random(4) === 0 ? all : [all[this.#random(this.#processes)]];
  }

  #request(kind) {
    const session = this.#sessions[this.#random(users)];
    const token = kind === 'forged' ? forge(session.token) : (this.#others[kind] ?? session.token);
    return {
      kind,
      session,
      path: paths[kind] ?? '/me',
      ...(kind !== 'anonymous' && { token }),
    };
  }

  /** The statuses that a request may be answered with. It is asked when the request is sent. */
  statusesOf({ kind, session, process }) {
    this.#sent++;
    const { failure } = this.#phase;
    switch (kind) {
      case 'anonymous':
      case 'expired':
      case 'forged':
        return new Set([401]);
      case 'of an app':
        return new Set([403]);
      case 'stock':
        return new Set([200]);
      case 'strict':
        this.#strictCalls++;
        // It may need a token with further claims, where one without them is kept.
        return new Set([200, ...(failure === undefined ? [] : [failure.status])]);
      default:
        if (failure === undefined || session.kept.has(process)) return new Set([200]);
        // What the other process obtained may be in Redis.
        return new Set(session.kept.size > 0 ? [200, failure.status] : [failure.status]);
    }
  }

  /** What is wrong with an answer beside its status, or undefined. */
  faultIn({ kind, session, process }, { status, headers, text }) {
    const body = parse(text);
    if (status === 200) {
      if (kind === 'stock') return body?.app === true ? undefined : 'another body';
      session.kept.add(process);
      const isOwn = body?.oid === session.oid && body.seen.every((oid) => oid === session.oid);
      return isOwn ? undefined : "another caller's answer";
    }
    const codes = {
      anonymous: 'missing_token',
      expired: 'invalid_token',
      forged: 'invalid_token',
      'of an app': 'insufficient_scope',
    };
    const code = codes[kind] ?? this.#phase.failure?.code;
    if (body?.error !== code) return `the code ${body?.error}`;
    if (status === 503 && !(Number(headers['retry-after']) >= 1)) return 'no Retry-After';
    if (code === 'insufficient_claims' && !headers['www-authenticate']?.includes(', claims="')) return 'no claims';
    return refusalFault(headers);
  }

  /** How many token requests may succeed in one life of a token: one for all processes that agree, or one for each. */
  #mostRequests({ isDisturbed, requestedAtMs }) {
    const isNear = (atMs) => this.#disturbedAtMs.some((other) => other > atMs - beforeMs && other < atMs + afterMs);
    return isDisturbed || requestedAtMs.some(isNear) ? this.#processes : 1;
  }

  /**
   * After a phase: what is wrong with the counts of token requests.
   *
   * @param disturbances - what disturbed the agreement of the processes
   * @param senders - how many requests are under way at most
   * @param seconds - how long the phase took
   */
  faultsInCounts(disturbances, { senders, seconds }) {
    const { name, failure, tries, isThrottled, isKept, disturbs } = this.#phase;
    this.#disturbedAtMs.push(...disturbances.map(({ atMs }) => atMs));
    this.#heldToOne = 0;
    const faults = [];
    const limit = (what, count, most) => {
      if (count > most) faults.push(`in '${name}': ${what}: ${count} token requests, not ${most} at most`);
    };
    let failed = 0;
    for (const session of this.#sessions) {
      session.isDisturbed ||= disturbs === true;
      failed += session.failedRequests;
      const most = this.#mostRequests(session);
      limit(session.id, session.requestedAtMs.length, most);
      if (most === 1 && session.requestedAtMs.length > 0) this.#heldToOne++;
      // A refusal is kept for 10 seconds by each process.
      if (isKept) limit(session.id, session.failedRequests, this.#processes * Math.ceil((seconds + 1) / 10));
    }
    // Those that were under way when the first 429 came.
    if (isThrottled) limit('all', failed, senders);
    else if (failure !== undefined) limit('all', failed, tries * (this.#sent + this.#renewals(seconds)));
    limit('further claims', this.#stepUps, (tries ?? 1) * this.#strictCalls);
    limit('the application', this.#appRequestsSoFar() - this.#appRequests, this.#processes * (tries ?? 1));
    return faults;
  }

  /** A renewal that failed is tried again after 10 seconds, by each process. */
  #renewals(seconds) {
    return this.#phase.renews ? this.#sessions.length * this.#processes * Math.ceil((seconds + 1) / 10) : 0;
  }

  /** The token requests for users in this life of tokens, how many sessions caused some, and how many of them could cause one only. */
  counts() {
    const counts = this.#sessions.map(({ requestedAtMs }) => requestedAtMs.length).filter((count) => count > 0);
    return {
      users: counts.length,
      heldToOne: this.#heldToOne,
      requests: counts.reduce((sum, count) => sum + count, 0),
      failed: this.#sessions.reduce((sum, { failedRequests }) => sum + failedRequests, 0),
    };
  }
}
