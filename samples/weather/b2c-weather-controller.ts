import { Get, JsonController, Param, QueryParam } from 'routing-controllers';
import { RequiresB2cAuth, ValidateScope } from 'microsoft-identity-decorators';
import { OpenAPI } from 'routing-controllers-openapi';
import { reportOf } from './climate.js';

/** The same report for customers, who sign in with Azure AD B2C. */
@JsonController('/api/b2c/weather')
@OpenAPI({ tags: ['Weather for customers'] })
export class B2cWeatherController {
  @Get('/:city')
  @RequiresB2cAuth()
  @ValidateScope('access_as_user')
  report(@Param('city') city: string, @QueryParam('units') units?: string) {
    return reportOf(city, units);
  }
}
