import { Get, JsonController, Param } from 'routing-controllers';
import { DownstreamApi, OnBehalfOf, RequiresAuth, ValidateScope } from 'microsoft-identity-decorators';
import { normalOf } from './climate.js';

/** The warnings of a second API, which is called on behalf of the user who calls this one. */
@JsonController('/api/weather')
export class WarningsController {
  @Get('/:city/warnings')
  @RequiresAuth({ callers: 'user' })
  @ValidateScope('access_as_user')
  warnings(@Param('city') city: string, @OnBehalfOf('warnings') warnings: DownstreamApi) {
    return warnings.get(`/api/warnings/${encodeURIComponent(normalOf(city).city)}`);
  }
}
