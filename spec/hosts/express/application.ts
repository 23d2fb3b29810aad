/** Applications of Express under test, for the specs beside this file. */
import express5, { type RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { initialize } from '../../../src/express.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { listen, type Answer, type Api } from '../../support/api.js';

/** The issuer of the file that runs. */
export let issuer: TestIssuer;

/** What has run since the test began, in order. */
export const ran: string[] = [];

/** Starts an issuer for the tests of a file, and configures it before each. */
export function useIssuer(): void {
  beforeAll(async () => {
    issuer = await startTestIssuer();
  });
  beforeEach(() => {
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
    ran.length = 0;
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  afterAll(() => issuer.close());
}

export const silenceWarnings = () => vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);

/** A handler that records that it ran, and answers with the subject of the caller. */
export const report: RequestHandler = (request, response) => {
  ran.push('report');
  response.json({ sub: request.auth?.sub ?? 'none' });
};

export const granted = { sub: 'v2-pairwise-subject' };

/** Serves an app for the length of one test. */
export async function serving(
  express: typeof express5,
  mount: (app: ReturnType<typeof express5>) => void,
  test: (api: Api) => Promise<void>,
): Promise<void> {
  const app = express();
  // In any other environment Express logs errors.
  app.set('env', 'test');
  mount(app);
  const api = await listen(app);
  try {
    await test(api);
  } finally {
    await api.close();
  }
}

export const openAnswer = { status: 200, sub: 'none' };
export const outcomeOf = ({ status, body }: Answer) => ({ status, ...(body as object) });
