import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AccessTokenClaims,
  initialize,
  RequiresAuth,
  TokenClaims,
  ValidateScope,
} from 'microsoft-identity-decorators/nestjs';
import { startTestIssuer } from 'microsoft-identity-decorators/testing';

@Controller('weather')
@RequiresAuth()
class WeatherController {
  @Get(':city')
  @ValidateScope('access_as_user')
  report(@Param('city') city: string, @TokenClaims() claims: AccessTokenClaims) {
    return { city, scp: claims.scp };
  }
}

@Module({ controllers: [WeatherController] })
class WeatherModule {}

async function main(): Promise<void> {
  const issuer = await startTestIssuer();
  initialize(issuer.options);
  const app = await NestFactory.create(WeatherModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  const answers: unknown[] = [];
  for (const token of [undefined, await issuer.token(), await issuer.token({ scp: 'other' })]) {
    const response = await fetch(`${await app.getUrl()}/weather/Oslo`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    answers.push([response.status, response.headers.get('www-authenticate'), await response.json()]);
  }
  await app.close();
  await issuer.close();
  console.log(JSON.stringify(answers));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
