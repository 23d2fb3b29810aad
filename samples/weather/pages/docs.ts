/** Swagger UI, which signs people in with the page's registration. */
import type { PageSettings } from './serve-pages.js';

interface SwaggerUi {
  initOAuth(options: Readonly<Record<string, unknown>>): void;
}

declare const SwaggerUIBundle: (options: Readonly<Record<string, unknown>>) => SwaggerUi;

const settings = (await (await fetch('/settings.json')).json()) as PageSettings;
const { entra, b2c } = settings;

const ui = SwaggerUIBundle({
  url: '/docs/openapi.json',
  dom_id: '#swagger-ui',
  oauth2RedirectUrl: `${location.origin}/docs/oauth2-redirect.html`,
  // By default, Swagger UI sends the document to the validator of swagger.io.
  validatorUrl: null,
  persistAuthorization: false,
  onComplete: () => {
    ui.initOAuth({
      clientId: (entra ?? b2c)?.clientId,
      scopes: [entra, b2c].flatMap((signIn) => (signIn ? [`${signIn.appIdUri}/access_as_user`] : [])),
      usePkceWithAuthorizationCodeGrant: true,
    });
  },
});
