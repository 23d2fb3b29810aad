import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { Get, JsonController, useExpressServer } from 'routing-controllers';
import {
  AsApplication,
  ConfigurationError,
  DownstreamApi,
  initialize,
  OnBehalfOf,
  onBehalfOf,
  RequiresAuth,
} from 'microsoft-identity-decorators';
import * as downstream from 'microsoft-identity-decorators/downstream';
import { runAs, startTestIssuer } from 'microsoft-identity-decorators/testing';

interface Me {
  readonly oid?: string;
  readonly roles?: readonly string[];
}

const service = onBehalfOf('graph');

@JsonController()
@RequiresAuth()
class ProfileController {
  @Get('/me')
  async me(@OnBehalfOf('graph') graph: DownstreamApi) {
    const { oid } = await graph.get<Me>('/me');
    return { oid, isClass: graph instanceof DownstreamApi && graph instanceof downstream.DownstreamApi };
  }

  @Get('/service')
  async service() {
    await Promise.resolve();
    return { oid: (await service.get<Me>('/me')).oid };
  }

  @Get('/application')
  async application(@AsApplication('graph') graph: DownstreamApi) {
    return { roles: (await graph.get<Me>('/users')).roles };
  }
}

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Another API: it answers with the claims of the token that it is called with. */
const answerOfGraph: RequestListener = ({ headers }, response) => {
  const [, payload = ''] = (headers.authorization ?? '').split('.');
  response.end(Buffer.from(payload, 'base64url'));
};

async function main(): Promise<void> {
  const issuer = await startTestIssuer();
  const graph = await serve(answerOfGraph);
  const apis: downstream.DownstreamOptions['apis'] = {
    graph: { baseUrl: graph.url, scopes: ['https://graph.example/User.Read'] },
  };
  const identity = initialize({ ...issuer.options, downstream: { ...issuer.downstreamOptions, apis } });
  const { default: express } = (await import('express')) as { default: () => Express };
  const app = express();
  useExpressServer(app, { controllers: [ProfileController] });
  const api = await serve(app);
  const answers: unknown[] = [];
  const call = async (path: string) => {
    const authorization = `Bearer ${await issuer.token({ oid: 'ada' })}`;
    const response = await fetch(api.url + path, { headers: { authorization } });
    answers.push([response.status, await response.json()]);
  };
  const missing = await identity.ready().then(
    () => undefined,
    (error: unknown) => (error instanceof ConfigurationError ? error.message : String(error)),
  );
  for (const path of ['/me', '/service', '/application']) await call(path);
  const faked = await runAs({ oid: 'eve', scp: 'x' }, () => service.get<Me>('/me'), {
    downstream: { graph: () => Response.json({ oid: 'eve' }) },
  });
  api.close();
  graph.close();
  await issuer.close();
  console.log(JSON.stringify({ missing, answers, faked }));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
