/** Swagger UI, which signs people in with the page's registration. */
import type { PageSettings } from './serve-pages.js';

interface SwaggerUi {
  initOAuth(options: Readonly<Record<string, unknown>>): void;
}

declare const SwaggerUIBundle: (options: Readonly<Record<string, unknown>>) => SwaggerUi;

/** What Swagger UI knows of an authorization that it is about to ask for. */
interface Authorization {
  readonly auth: { readonly schema: { get(name: 'scopes'): { has(scope: string): boolean } } };
}

type OpenPopup = (url: string, authorization: Authorization) => unknown;

/** Swagger UI asks each authority for all preselected scopes. An authority refuses the scopes of another one. */
const scopesOfAuthority = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authPopup:
          (open: OpenPopup): OpenPopup =>
          (url, authorization) => {
            const authorize = new URL(url);
            const scopes = authorize.searchParams.get('scope')?.split(' ') ?? [];
            const own = authorization.auth.schema.get('scopes');
            authorize.searchParams.set('scope', scopes.filter((scope) => own.has(scope)).join(' '));
            return open(authorize.href, authorization);
          },
      },
    },
  },
});

const settings = (await (await fetch('/settings.json')).json()) as PageSettings;
const { entra, b2c } = settings;

const ui = SwaggerUIBundle({
  url: '/docs/openapi.json',
  dom_id: '#swagger-ui',
  oauth2RedirectUrl: `${location.origin}/docs/oauth2-redirect.html`,
  // By default, Swagger UI sends the document to the validator of swagger.io.
  validatorUrl: null,
  persistAuthorization: false,
  plugins: [scopesOfAuthority],
  onComplete: () => {
    ui.initOAuth({
      clientId: (entra ?? b2c)?.clientId,
      scopes: [entra, b2c].flatMap((signIn) => (signIn ? [`${signIn.appIdUri}/access_as_user`] : [])),
      usePkceWithAuthorizationCodeGrant: true,
    });
  },
});
