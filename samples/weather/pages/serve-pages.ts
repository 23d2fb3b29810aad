/** Serves the page at `/` and Swagger UI at `/docs`. All of their files come from this machine. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { Router, type Express, type RequestHandler } from 'express';
import type { Setup } from '../app.js';
import type { LocalIssuer } from '../openid-provider/local-issuer.js';
import type { SignIns } from '../sign-in-settings.js';
import { explainedAnswers } from './explained-answers.js';

/** What the pages load from `/settings.json`. */
export interface PageSettings extends SignIns {
  /** Whether the issuer is the local one, whose keys and clock the page can set. */
  readonly isLocal: boolean;
  /** Whether the API calls the second one. */
  readonly callsWarnings: boolean;
}

const require = createRequire(import.meta.url);
// Scripts are compiled to dist/pages. HTML and CSS stay in pages.
const compiled = fileURLToPath(new URL('.', import.meta.url));
const sources = fileURLToPath(new URL('../../pages/', import.meta.url));
const swaggerUi = dirname(require.resolve('swagger-ui-dist/package.json'));
const msal = join(dirname(require.resolve('@azure/msal-browser/package.json')), 'lib/msal-browser.min.js');
// The page's own modules: those that run on the server are not served.
const scripts = [
  'page.js',
  'answer-card.js',
  'cases.js',
  'claim-meanings.js',
  'claims-card.js',
  'elements.js',
  'sign-in.js',
];

function securityHeaders({ entra, b2c }: SignIns, styles: string): RequestHandler {
  const issuers = [entra, b2c].flatMap((signIn) => (signIn ? [new URL(signIn.authority).origin] : []));
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styles}`,
    "img-src 'self' data:",
    `connect-src ${["'self'", ...new Set(issuers)].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return (_request, response, next) => {
    response.set({
      'Content-Security-Policy': policy,
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    });
    next();
  };
}

const file =
  (path: string): RequestHandler =>
  (_request, response) => {
    response.sendFile(path, { dotfiles: 'allow' });
  };

function docsRouter(signIns: SignIns, apiDocument: object): Router {
  // Swagger UI sets style attributes.
  const router = Router().use(securityHeaders(signIns, "'self' 'unsafe-inline'"));
  router.get('/', file(join(sources, 'docs.html')));
  router.get('/docs.js', file(join(compiled, 'docs.js')));
  router.get('/openapi.json', (_request, response) => {
    response.json(apiDocument);
  });
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'oauth2-redirect.html', 'oauth2-redirect.js']) {
    router.get(`/${name}`, file(join(swaggerUi, name)));
  }
  return router;
}

/** Lets the page rotate the local issuer's keys and set the API's clock. */
function localIssuerRouter(localIssuer: LocalIssuer): Router {
  const router = Router().use(express.json());
  router.post('/keys', async (_request, response) => {
    await localIssuer.rotateKeys();
    response.status(204).end();
  });
  router.put('/clock', (request, response) => {
    const { aheadMinutes } = (request.body ?? {}) as { readonly aheadMinutes?: unknown };
    if (typeof aheadMinutes !== 'number' || !Number.isFinite(aheadMinutes)) {
      response.status(400).json({ message: 'aheadMinutes is a number.' });
      return;
    }
    localIssuer.setClockAhead(aheadMinutes);
    response.status(204).end();
  });
  return router;
}

/**
 * Serves the pages. With a local issuer it also serves the controls with which the page sets keys and clock, and the API
 * explains its refusals to the page.
 */
export function servePages(app: Express, { signIns, callsWarnings, issuer }: Setup, apiDocument: object): void {
  app.use('/docs', docsRouter(signIns, apiDocument));
  if (issuer !== undefined) {
    app.use('/local-issuer', localIssuerRouter(issuer));
    app.use('/api', explainedAnswers());
  }

  const page = Router().use(securityHeaders(signIns, "'self'"));
  page.get('/', file(join(sources, 'page.html')));
  page.get('/page.css', file(join(sources, 'page.css')));
  for (const script of scripts) page.get(`/${script}`, file(join(compiled, script)));
  page.get('/msal-browser.js', file(msal));
  const settings: PageSettings = { ...signIns, isLocal: issuer !== undefined, callsWarnings };
  page.get('/settings.json', (_request, response) => {
    response.set('Cache-Control', 'no-store').json(settings);
  });
  app.use(page);
}
