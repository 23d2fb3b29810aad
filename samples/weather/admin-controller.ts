import { Get, JsonController } from 'routing-controllers';
import { RequiresAuth, RequiresRole } from 'microsoft-identity-decorators';
import { recordedYears } from './yearbook.js';

/** On a class, a requirement holds for every action in it. */
@JsonController('/api/admin')
@RequiresAuth()
@RequiresRole('Weather.Admin')
export class AdminController {
  @Get('/years')
  years() {
    return recordedYears();
  }
}
