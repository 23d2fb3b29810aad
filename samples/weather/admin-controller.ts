import { Get, JsonController } from 'routing-controllers';
import { RequiresAuth, RequiresRole } from 'microsoft-identity-decorators';
import { recordedYears } from './yearbook.js';

/** A requirement on a class applies to every action in it. */
@JsonController('/api/admin')
@RequiresAuth()
@RequiresRole('Weather.Admin')
export class AdminController {
  @Get('/years')
  years() {
    return recordedYears();
  }
}
