/** The page at `/`, and Swagger UI at `/docs`: their files, all from this machine, and what they need to know. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { Router, type Express, type RequestHandler } from 'express';
import type { Authority } from './authority.js';

/** What a page has to know in order to sign people in. */
export type PageSettings = Pick<Authority, 'entra' | 'b2c'> & {
  /** Whether the issuer is the local one, with its made-up people and its controls. */
  readonly isLocal: boolean;
};

const require = createRequire(import.meta.url);
// Sources are in samples/weather, the compiled files one folder below.
const sources = fileURLToPath(new URL('../page/', import.meta.url));
const compiled = fileURLToPath(new URL('./page/', import.meta.url));
const swaggerUi = dirname(require.resolve('swagger-ui-dist/package.json'));
const msal = join(dirname(require.resolve('@azure/msal-browser/package.json')), 'lib/msal-browser.min.js');

function securityHeaders({ entra, b2c }: PageSettings, styles: string): RequestHandler {
  const issuers = [entra, b2c].flatMap((signIn) => (signIn ? [new URL(signIn.base).origin] : []));
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

function docsRouter(settings: PageSettings, apiDocument: object): Router {
  // Swagger UI writes styles into its elements.
  const router = Router().use(securityHeaders(settings, "'self' 'unsafe-inline'"));
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

function controlsRouter(controls: NonNullable<Authority['controls']>): Router {
  const router = Router().use(express.json());
  router.post('/keys', async (_request, response) => {
    await controls.rotateKeys();
    response.status(204).end();
  });
  router.put('/clock', (request, response) => {
    const { aheadMinutes } = (request.body ?? {}) as { readonly aheadMinutes?: unknown };
    if (typeof aheadMinutes !== 'number' || !Number.isFinite(aheadMinutes)) {
      response.status(400).json({ message: 'aheadMinutes is a number.' });
      return;
    }
    controls.setClockAhead(aheadMinutes);
    response.status(204).end();
  });
  return router;
}

export function servePages(app: Express, authority: Omit<Authority, 'introduce' | 'close'>, apiDocument: object): void {
  const { entra, b2c, controls } = authority;
  const settings: PageSettings = { isLocal: controls !== undefined, entra, b2c };
  app.use('/docs', docsRouter(settings, apiDocument));
  if (controls !== undefined) app.use('/local-issuer', controlsRouter(controls));

  const page = Router().use(securityHeaders(settings, "'self'"));
  page.get('/', file(join(sources, 'index.html')));
  page.get('/page.css', file(join(sources, 'page.css')));
  page.get('/page.js', file(join(compiled, 'page.js')));
  page.get('/cases.js', file(join(compiled, 'cases.js')));
  page.get('/sign-in.js', file(join(compiled, 'sign-in.js')));
  page.get('/msal-browser.js', file(msal));
  page.get('/settings.json', (_request, response) => {
    response.set('Cache-Control', 'no-store').json(settings);
  });
  app.use(page);
}
