import 'reflect-metadata';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { IsString } from 'class-validator';
import type { Express } from 'express';
import { Body, Get, JsonController, Param, Post, useExpressServer } from 'routing-controllers';
import {
  AccessTokenClaims,
  AuthError,
  getTokenClaims,
  initialize,
  RequiresAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
} from 'microsoft-identity-decorators';
import { runAs, startTestIssuer } from 'microsoft-identity-decorators/testing';

class Observation {
  @IsString()
  sky!: string;
}

@JsonController('/weather')
@RequiresAuth()
class WeatherController {
  @Get('/:city')
  @ValidateScope('access_as_user')
  async report(@Param('city') city: string, @TokenClaims() claims: AccessTokenClaims) {
    await Promise.resolve();
    return { city, isSame: getTokenClaims() === claims, scp: claims.scp };
  }

  @RequiresRole('Admin')
  @Post('/:city')
  observe(@Param('city') city: string, @Body() observation: Observation, @TokenClaims('roles') roles: string[]) {
    return { city, sky: observation.sky, roles };
  }
}

async function main(): Promise<void> {
  const issuer = await startTestIssuer();
  initialize(issuer.options);
  const { default: express } = (await import(process.env['EXPRESS'] ?? 'express')) as { default: () => Express };
  const app = express();
  useExpressServer(app, { controllers: [WeatherController], validation: process.env['VALIDATION'] === 'on' });
  const server = createServer(app);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/weather/Oslo`;

  const answers: unknown[] = [];
  const call = async (token: string | undefined, body?: string) => {
    const response = await fetch(url, {
      ...(body !== undefined && { method: 'POST', body }),
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });
    answers.push([response.status, response.headers.get('www-authenticate'), await response.json()]);
  };
  await call(undefined);
  await call(await issuer.token({ scp: 'access_as_user' }));
  await call(await issuer.token({ scp: 'other' }));
  await call(undefined, '{ malformed');
  await call(await issuer.token({ roles: ['Admin'] }), '{ "sky": "clear" }');

  const claims = await runAs({ scp: 'access_as_user' }, () =>
    (new WeatherController().report as (city: string) => Promise<unknown>)('Oslo'),
  );
  let isAuthError = false;
  try {
    getTokenClaims();
  } catch (error) {
    isAuthError = error instanceof AuthError;
  }
  server.close();
  server.closeAllConnections();
  await issuer.close();
  console.log(JSON.stringify({ answers, claims, isAuthError }));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
