import { Body, Get, HttpCode, JsonController, Param, Post, QueryParam } from 'routing-controllers';
import { AccessTokenClaims, RequiresAuth, TokenClaims, ValidateScope } from 'microsoft-identity-decorators';
import { normalOf, reportOf } from './climate.js';
import { recordYear, YearReport } from './yearbook.js';

@JsonController('/api/weather')
export class WeatherController {
  @Get('/:city')
  @RequiresAuth()
  @ValidateScope('access_as_user')
  report(@Param('city') city: string, @QueryParam('units') units?: string) {
    return reportOf(city, units);
  }

  @Post('/:city/years')
  @HttpCode(201)
  @RequiresAuth()
  @ValidateScope('access_as_user')
  record(@Param('city') city: string, @Body() report: YearReport, @TokenClaims() { tid, oid }: AccessTokenClaims) {
    return recordYear(normalOf(city), report, { tid, oid });
  }
}
