/** Explains a refusal to the page, where the API and its local issuer run on the developer's machine. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { RequestHandler, Response } from 'express';
import type { Explanation } from 'microsoft-identity-decorators';

/**
 * Adds the library's explanation to an answer whose request has the header `Explain`. An API with callers of its own
 * logs explanations in place of sending them: they are advice for its developer, and describe its configuration.
 */
export function explainedAnswers(): RequestHandler {
  const asking = new AsyncLocalStorage<Response>();
  subscribe('microsoft-identity-decorators:explanation', (message) => {
    const { code, hint } = message as Explanation;
    const response = asking.getStore();
    if (response === undefined || response.headersSent) return;
    // A hint has characters that a header cannot have.
    response.set('Explanation', encodeURIComponent(JSON.stringify({ code, hint })));
  });
  return (request, response, next) => {
    if (request.get('Explain') === undefined) next();
    else asking.run(response, next);
  };
}
