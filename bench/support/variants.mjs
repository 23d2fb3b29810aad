// What stands before the route: nothing, ourselves, and others. Each checks signature, iss, aud, exp and the algorithm.
import https from 'node:https';
import http from 'node:http';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createPublicKey, hash } from 'node:crypto';

/** The credential, read as those who write such a middleware by hand do. */
function bearerOf(request) {
  const { authorization } = request.headers;
  return authorization?.startsWith('Bearer ') ? authorization.slice(7) : undefined;
}

/** A middleware around a function that verifies a token, or throws. */
function middlewareOf(verify) {
  return async (request, response, next) => {
    const token = bearerOf(request);
    try {
      if (token === undefined) throw new Error('no token');
      request.claims = await verify(token);
    } catch {
      response.status(401).set('WWW-Authenticate', 'Bearer').end();
      return;
    }
    next();
  };
}

/**
 * What a middleware costs that decides nothing, and yet does the two things without which claims cannot be had anywhere
 * in a request, nor a token be recognized without being kept: AsyncLocalStorage, and a digest of the token.
 */
async function floor() {
  const storage = new AsyncLocalStorage();
  return (request, response, next) => {
    const token = bearerOf(request) ?? '';
    storage.run({ digest: hash('sha256', token, 'base64') }, next);
  };
}

/** `AsyncLocalStorage` alone, by which claims can be had anywhere in a request. */
async function storageAlone() {
  const storage = new AsyncLocalStorage();
  return (request, response, next) => {
    storage.run({}, next);
  };
}

// V8 before 13 shares no hidden class among objects whose prototype was set, as Express sets it
// (https://github.com/nodejs/node/issues/37457). An object from which a property was deleted is a dictionary, and those
// share one.
const isAffected = Number.parseInt(process.versions.v8, 10) < 13;
const passing = Symbol('passing');

function shareHiddenClass(object) {
  object[passing] = true;
  delete object[passing];
}

/**
 * What our gate does for Express on Node 20 and 22, and no more: requests share a hidden class, and so do responses. What
 * ours costs on top of this is the check.
 */
async function sharedClasses() {
  return (request, response, next) => {
    shareHiddenClass(request);
    shareHiddenClass(response);
    next();
  };
}

/** The issuer's keys as PEM, by kid, for those that are handed keys and do not fetch them. */
async function publicKeys({ jwksUri }) {
  const { keys } = await (await fetch(jwksUri)).json();
  const pemOf = (jwk) => createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  return { jwks: { keys }, pems: new Map(keys.map((jwk) => [jwk.kid, pemOf(jwk)])) };
}

async function jose(facts) {
  const { createRemoteJWKSet, jwtVerify } = await import('jose');
  const keySet = createRemoteJWKSet(new URL(facts.jwksUri));
  const options = { issuer: facts.issuer, audience: facts.audience, algorithms: ['RS256'] };
  return middlewareOf(async (token) => (await jwtVerify(token, keySet, options)).payload);
}

async function expressOauth2JwtBearer(facts) {
  const { auth } = await import('express-oauth2-jwt-bearer');
  return auth({
    issuer: facts.issuer,
    audience: facts.audience,
    jwksUri: facts.jwksUri,
    tokenSigningAlg: 'RS256',
  });
}

/**
 * passport-azure-ad takes metadata by https alone. In its process, and for that one download, `https` asks by http. How requests are judged, and what that costs, is as published.
 */
async function passportAzureAd(facts) {
  const byHttp = (url) => url.replace(/^https:/, 'http:');
  https.get = (url, ...rest) => http.get(byHttp(url), ...rest);
  https.request = (url, ...rest) => http.request(byHttp(url), ...rest);
  const { default: passport } = await import('passport');
  const { default: azure } = await import('passport-azure-ad');
  const options = {
    identityMetadata: facts.metadataUrl.replace(/^http:/, 'https:'),
    clientID: facts.audience,
    validateIssuer: true,
    issuer: facts.issuer,
    loggingLevel: 'error',
  };
  passport.use(new azure.BearerStrategy(options, (claims, done) => done(null, claims)));
  return passport.authenticate('oauth-bearer', { session: false });
}

async function passportJwt(facts) {
  const { default: passport } = await import('passport');
  const { Strategy, ExtractJwt } = (await import('passport-jwt')).default;
  const { passportJwtSecret } = (await import('jwks-rsa')).default;
  const options = {
    secretOrKeyProvider: passportJwtSecret({ jwksUri: facts.jwksUri, cache: true, rateLimit: true }),
    jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
    issuer: facts.issuer,
    audience: facts.audience,
    algorithms: ['RS256'],
  };
  passport.use(new Strategy(options, (claims, done) => done(null, claims)));
  return passport.authenticate('jwt', { session: false });
}

/** Its fetcher asks by https alone, so it is handed the keys; it looks them up by kid for every token as always. */
async function awsJwtVerify(facts) {
  const { JwtVerifier } = await import('aws-jwt-verify');
  const { issuer, audience } = facts;
  const verifier = JwtVerifier.create({ issuer, audience, jwksUri: facts.jwksUri.replace(/^http:/, 'https:') });
  verifier.cacheJwks((await publicKeys(facts)).jwks);
  return middlewareOf((token) => verifier.verify(token));
}

/** Keys are looked up by kid, as one must whose issuer rotates them; its cache of verified tokens is on. */
async function fastJwt(facts) {
  const { createVerifier } = await import('fast-jwt');
  const { pems } = await publicKeys(facts);
  const verify = createVerifier({
    key: async ({ header }) => pems.get(header.kid),
    cache: true,
    allowedIss: facts.issuer,
    allowedAud: facts.audience,
    algorithms: ['RS256'],
  });
  return middlewareOf(verify);
}

/** Ours is a decorator, the others are middleware; `null` says that nothing stands before the route. */
export const variants = [
  { name: 'bare', packages: [], isOpen: true, middleware: async () => null },
  ...(isAffected ? [{ name: 'bare shared', packages: [], isOpen: true, middleware: sharedClasses }] : []),
  { name: 'storage', packages: [], isOpen: true, middleware: storageAlone },
  { name: 'floor', packages: [], isOpen: true, middleware: floor },
  { name: 'ours', packages: [], isOurs: true },
  { name: 'jose by hand', packages: ['jose'], middleware: jose },
  {
    name: 'express-oauth2-jwt-bearer',
    packages: ['express-oauth2-jwt-bearer'],
    middleware: expressOauth2JwtBearer,
  },
  { name: 'passport-azure-ad', packages: ['passport', 'passport-azure-ad'], middleware: passportAzureAd },
  { name: 'passport-jwt', packages: ['passport', 'passport-jwt', 'jwks-rsa'], middleware: passportJwt },
  { name: 'aws-jwt-verify', packages: ['aws-jwt-verify'], middleware: awsJwtVerify },
  { name: 'fast-jwt', packages: ['fast-jwt'], middleware: fastJwt },
];
