/** Controllers of which every route is protected, or open on purpose. */
import { Get, JsonController, Post } from 'routing-controllers';
import {
  AllowAnonymous,
  ClaimCheck,
  DenyGuests,
  RequiresAnyAuth,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresClaim,
  RequiresRole,
  RequiresScopeOrAppPermission,
  ValidateScope,
} from '../../../src/index.js';

@RequiresAuth()
export abstract class Base {
  @Get('/status')
  status() {
    return 'base';
  }
}

@JsonController('/weather')
export class WeatherController extends Base {
  @Get('/:city')
  @ValidateScope('read', 'read_all')
  report() {
    return 'weather';
  }

  @Get('/open')
  @AllowAnonymous()
  open() {
    return 'open';
  }
}

@JsonController('/people')
export class PeopleController {
  @Get('/')
  @RequiresB2cAuth({ policy: ['B2C_1_susi', 'B2C_1_edit'] })
  list() {
    return [];
  }

  @Post('/')
  @RequiresAuth({ callers: 'app' })
  @RequiresRole('Admin')
  add() {
    return 'added';
  }

  @Post(/\/import/)
  @RequiresAnyAuth()
  @DenyGuests()
  @ClaimCheck(() => true)
  @RequiresClaim('level')
  @RequiresClaim('department', 'finance', 'legal')
  @RequiresScopeOrAppPermission({ scope: 'write', appPermission: 'write_all' })
  load() {
    return 'loaded';
  }
}
