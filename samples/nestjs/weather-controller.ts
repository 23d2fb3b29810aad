import { Body, Controller, Get, Param, ParseFloatPipe, ParseIntPipe, Post } from '@nestjs/common';
import {
  AccessTokenClaims,
  AllowAnonymous,
  RequiresAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
} from 'microsoft-identity-decorators/nestjs';
import { ClimateService } from './climate.js';

@Controller('api/weather')
@RequiresAuth()
export class WeatherController {
  readonly #climate: ClimateService;

  constructor(climate: ClimateService) {
    this.#climate = climate;
  }

  @Get('health')
  @AllowAnonymous()
  health() {
    return { status: 'ok' };
  }

  @Get('years')
  @RequiresRole('Weather.Admin')
  years() {
    return this.#climate.years;
  }

  @Get(':city')
  @ValidateScope('access_as_user')
  report(@Param('city') city: string, @TokenClaims() claims: AccessTokenClaims) {
    return { ...this.#climate.normalOf(city), askedBy: claims.oid };
  }

  @Post(':city/years/:year')
  @ValidateScope('access_as_user')
  record(
    @Param('city') city: string,
    @Param('year', ParseIntPipe) year: number,
    @Body('meanTemperature', ParseFloatPipe) meanTemperature: number,
  ) {
    return this.#climate.record(city, year, meanTemperature);
  }
}
