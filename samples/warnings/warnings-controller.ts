import { RequiresAuth, ValidateScope } from 'microsoft-identity-decorators';
import { Get, JsonController, Param } from 'routing-controllers';
import { warningsOf } from './warnings.js';

/** A token that an API got on behalf of its caller is a token of that user: the demands are the same as in any API. */
@JsonController('/api/warnings')
export class WarningsController {
  @Get('/:city')
  @RequiresAuth({ callers: 'user' })
  @ValidateScope('warnings.read')
  warnings(@Param('city') city: string) {
    return warningsOf(city);
  }
}
