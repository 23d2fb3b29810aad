/** The local issuer over HTTP: Microsoft's addresses, and the page on which a person is picked. */
import { fileURLToPath } from 'node:url';
import express, { type Express, type Response } from 'express';
import { interactionPath } from './provider.js';
import { asksForSecondFactor, secondFactor } from './second-factor.js';
import { secondFactorPage, signInPage } from './sign-in-page.js';
import type { TenantIssuer } from './tenant-issuer.js';
import { findPerson, fullScope, scopes, type Tenant } from './tenant.js';

// Compiled files are in dist/openid-provider, the style is beside the source.
const style = fileURLToPath(new URL('../../openid-provider/sign-in-page.css', import.meta.url));

function sendPage(response: Response, page: string): void {
  response.set('Content-Security-Policy', "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'");
  response.set('Cache-Control', 'no-store').send(page);
}

/** Serves the page to which oidc-provider redirects the browser, and which redirects it back. */
function serveSignIn(app: Express, issuer: TenantIssuer): void {
  const { tenant } = issuer;
  const path = interactionPath(tenant, ':uid');
  app.get(path, async (request, response) => {
    const { params } = await issuer.provider.interactionDetails(request, response);
    const hinted = tenant.people.find(({ email }) => email === params['login_hint']);
    const isKnown = hinted !== undefined && asksForSecondFactor(params['claims']);
    sendPage(response, isKnown ? secondFactorPage(hinted) : signInPage(tenant));
  });
  app.post(path, express.urlencoded({ extended: false }), async (request, response) => {
    const { provider } = issuer;
    const { params } = await provider.interactionDetails(request, response);
    const { person: ids, 'second-factor': given } = request.body as Readonly<Record<string, string | string[]>>;
    // Cancel sends an empty one, on the second page beside the hidden one.
    const person = typeof ids === 'string' ? findPerson(tenant, ids) : undefined;
    const finish = (result: Readonly<Record<string, unknown>>) =>
      provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    if (person === undefined) {
      await finish({ error: 'access_denied', error_description: 'No person was picked.' });
      return;
    }
    const isAsked = asksForSecondFactor(params['claims']);
    if (isAsked && given === undefined) {
      sendPage(response, secondFactorPage(person));
      return;
    }
    const grant = new provider.Grant({ accountId: person.id, clientId: params['client_id'] ?? '' });
    grant.addOIDCScope('openid profile offline_access');
    const { resource = tenant.appIdUri } = params;
    for (const scope of scopes) {
      const name = fullScope(resource, scope);
      if (person.scopes.includes(scope)) grant.addResourceScope(resource, name);
      else grant.rejectResourceScope(resource, name);
    }
    const grantId = await grant.save();
    await finish({
      login: { accountId: person.id, ...(isAsked && { acr: secondFactor }) },
      consent: { grantId },
      select_account: {},
    });
  });
}

/** Translates a URL as Microsoft's clients ask for it to the one that oidc-provider serves. */
function providerUrl({ path }: Tenant, requested: string): string {
  const url = new URL(requested, 'http://localhost');
  // oidc-provider publishes its configuration at the root, Microsoft below the tenant.
  url.pathname = url.pathname.replace(`${path}/v2.0/.well-known/`, '/.well-known/');
  const { searchParams } = url;
  const prompt = searchParams.get('prompt') ?? '';
  // OpenID Connect Core §11: offline_access needs the prompt "consent". MSAL asks for offline_access without it.
  if (searchParams.get('scope')?.split(' ').includes('offline_access') === true && prompt !== 'none') {
    searchParams.set('prompt', `${prompt} consent`.trim());
  }
  return url.pathname + url.search;
}

export function createIssuerApp(issuers: readonly TenantIssuer[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/sign-in-page.css', (_request, response) => {
    response.sendFile(style);
  });
  for (const issuer of issuers) {
    serveSignIn(app, issuer);
    app.use((request, response, next) => {
      if (!request.url.startsWith(`${issuer.tenant.path}/`)) {
        next();
        return;
      }
      request.url = providerUrl(issuer.tenant, request.url);
      request.originalUrl = request.url;
      issuer.provider.callback()(request, response).catch(next);
    });
  }
  return app;
}
