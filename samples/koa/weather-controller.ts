import { Get, JsonController, Param, Post } from 'routing-controllers';
import {
  AccessTokenClaims,
  RequiresAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
} from 'microsoft-identity-decorators';

@JsonController('/api/weather')
@RequiresAuth()
export class WeatherController {
  @Get('/:city')
  @ValidateScope('access_as_user')
  report(@Param('city') city: string, @TokenClaims() claims: AccessTokenClaims) {
    return { city, celsius: 4, askedBy: claims.oid };
  }

  @Post('/:city/alerts')
  @RequiresRole('Admin')
  alert(@Param('city') city: string) {
    return { city, alert: 'issued' };
  }
}
