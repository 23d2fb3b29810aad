/** The form of the quick starts: it waits for `ready()`, and then listens. */
import express from 'express';
import { Get, JsonController, Param, useExpressServer } from 'routing-controllers';
import { initialize, RequiresAuth, TokenClaims, ValidateScope, type AccessTokenClaims } from '../../../src/index.js';

@JsonController('/api/weather')
class WeatherController {
  @Get('/:city')
  @RequiresAuth()
  @ValidateScope('access_as_user')
  report(@Param('city') city: string, @TokenClaims() claims: AccessTokenClaims) {
    return { city, celsius: 21, askedBy: claims.oid };
  }
}

const identity = initialize();
await identity.ready();

const app = useExpressServer(express(), { controllers: [WeatherController] });
app.listen(3000, () => {
  console.log('Listening');
});
