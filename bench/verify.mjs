// What verifying one token costs, in process: ourselves, others, and bare crypto.verify with the key in hand as the limit.
import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createMicrosoftIdentity } from '../dist/esm/express.js';
import { createMicrosoftIdentity as createForFetch } from '../dist/esm/fetch.js';
import { startAuthority, tampered } from './support/authority.mjs';
import { chosen, readFlags } from './support/flags.mjs';
import { gateOf, isPending } from './support/gate.mjs';
import { printMachine } from './support/machine.mjs';
import { processorTime, since } from './support/processor-time.mjs';
import { median, medianRatio, shuffle } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';

const flags = readFlags({ rounds: 7, verifications: 10_000, only: '' });
const limit = 'crypto.verify, key in hand';
const packages = ['jose', 'fast-jwt', 'aws-jwt-verify', 'jsonwebtoken', 'jwks-rsa'];

printMachine(packages);
const authority = await startAuthority();
const { facts } = authority;
const { keys } = await (await fetch(facts.jwksUri)).json();
const keysByKid = new Map(keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]));
const pems = new Map([...keysByKid].map(([kid, key]) => [kid, key.export({ type: 'spki', format: 'pem' })]));
const { issuer, audience } = facts;
const joseOptions = { issuer, audience, algorithms: ['RS256'] };

/** The whole gate, called with bare requests. */
function gate(options = {}) {
  return gateOf(createMicrosoftIdentity({ ...facts.options, ...options }).requiresAuth());
}

/** The function under every gate, called with what a host has of a request. */
function authenticate() {
  const identity = createForFetch(facts.options);
  const requirement = Object.freeze({ scheme: 'entra' });
  return (token, authorization = `Bearer ${token}`) =>
    identity.authenticate({ headers: { authorization }, rawHeaders: ['Authorization', authorization] }, requirement);
}

async function jose(keySetOf) {
  const module = await import('jose');
  const keySet = keySetOf(module);
  return (token) => module.jwtVerify(token, keySet, joseOptions);
}

async function fastJwt(options) {
  const { createVerifier } = await import('fast-jwt');
  const key = async ({ header }) => pems.get(header.kid);
  const verify = createVerifier({ key, allowedIss: issuer, allowedAud: audience, algorithms: ['RS256'], ...options });
  return (token) => verify(token);
}

async function awsJwtVerify() {
  const { JwtVerifier } = await import('aws-jwt-verify');
  // It fetches keys by https alone, and is therefore handed them.
  const verifier = JwtVerifier.create({ issuer, audience, jwksUri: facts.jwksUri.replace(/^http:/, 'https:') });
  verifier.cacheJwks({ keys });
  return (token) => verifier.verify(token);
}

async function jsonWebToken() {
  const { default: jwt } = await import('jsonwebtoken');
  const { default: jwksRsa } = await import('jwks-rsa');
  const client = jwksRsa({ jwksUri: facts.jwksUri, cache: true, rateLimit: true });
  const keyOf = ({ kid }, done) => client.getSigningKey(kid, (error, key) => done(error, key?.getPublicKey()));
  return (token) =>
    new Promise((resolve, reject) => {
      jwt.verify(token, keyOf, joseOptions, (error, claims) => (error ? reject(error) : resolve(claims)));
    });
}

/** Checks a signature and nothing else, with a key that is known beforehand. */
function bare() {
  const [key] = keysByKid.values();
  return (token) => {
    const end = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(end + 1), 'base64url');
    if (!verifySignature('sha256', Buffer.from(token.slice(0, end)), key, signature)) throw new Error('signature');
  };
}

const contestants = chosen(
  [
    { name: limit, create: bare },
    { name: 'ours, the gate', create: () => gate() },
    { name: 'ours, authenticate', create: authenticate },
    { name: 'ours, cache off', create: () => gate({ tokenCache: false }) },
    { name: 'jose, local key set', create: () => jose((module) => module.createLocalJWKSet({ keys })) },
    { name: 'jose, remote key set', create: () => jose((module) => module.createRemoteJWKSet(new URL(facts.jwksUri))) },
    { name: 'fast-jwt, cache off', create: () => fastJwt({}) },
    { name: 'fast-jwt, cache of 10,000', create: () => fastJwt({ cache: 10_000 }) },
    { name: 'aws-jwt-verify', create: awsJwtVerify },
    { name: 'jsonwebtoken, jwks-rsa', create: jsonWebToken },
  ],
  flags.only === '' ? '' : `${limit.slice(0, 13)},${flags.only}`,
);

const [warm, ...tokens] = await authority.tokens(10_001);
console.log(`tokens    ${warm.length} characters`);
// A parser gives each header as one text. A text that was put together here would be copied within the time that is measured.
const authorizations = tokens.map((token) => Buffer.from(`Bearer ${token}`).toString('latin1'));

const scenarios = [
  { name: 'first seen', distinct: tokens.length },
  ...[1, 1_000, 10_000].map((distinct) => ({ name: `${distinct.toLocaleString('en-US')} repeated`, distinct })),
];

async function run(verify, count, distinct) {
  const start = processorTime();
  const startedAt = performance.now();
  for (let index = 0; index < count; index++) {
    const outcome = verify(tokens[index % distinct], authorizations[index % distinct]);
    if (isPending(outcome)) await outcome;
  }
  const elapsed = ((performance.now() - startedAt) * 1000) / count;
  return { elapsed, cpu: since(start).all / count };
}

async function isRefused(verify, token) {
  try {
    await verify(token);
    return false;
  } catch {
    return true;
  }
}

for (const { name, create } of contestants) {
  const verify = await create();
  await verify(warm);
  if (!(await isRefused(verify, tampered(warm)))) throw new Error(`${name} lets in a tampered token.`);
}
console.log('verified  every contestant lets in a good token, and no tampered one');

const results = new Map(contestants.map(({ name }) => [name, scenarios.map(() => [])]));
for (let round = -1; round < flags.rounds; round++) {
  for (const { name, create } of shuffle(contestants)) {
    // Verifying at once leaves Node no time to see that the issuer has closed an idle connection.
    await pause(20);
    // Nothing is seen before; the key set is.
    const verify = await create();
    await verify(warm);
    for (const [index, { name: scenario, distinct }] of scenarios.entries()) {
      const isFirst = scenario === 'first seen';
      if (!isFirst) await run(verify, distinct, distinct);
      const count = isFirst ? Math.min(flags.verifications, distinct) : flags.verifications;
      const result = await run(verify, count, distinct);
      // The round before the first one warms up.
      if (round >= 0) results.get(name)[index].push(result);
    }
  }
}
await authority.stop();

for (const [figure, title] of [
  ['elapsed', 'microseconds per verification, one after the other'],
  ['cpu', 'microseconds of processor time per verification, all threads'],
]) {
  const column = (name, index) => results.get(name)[index].map((result) => result[figure]);
  printTable(
    `${title}: medians of ${flags.rounds} rounds; ÷ is against ${limit}`,
    ['', ...scenarios.flatMap(({ name }) => [name, '÷'])],
    contestants.map(({ name }) => [
      name,
      ...scenarios.flatMap((_, index) => [
        median(column(name, index)),
        medianRatio(column(name, index), column(limit, index)),
      ]),
    ]),
  );
}
