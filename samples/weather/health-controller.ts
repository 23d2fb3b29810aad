import { Get, JsonController } from 'routing-controllers';
import { AllowAnonymous } from 'microsoft-identity-decorators';

/** Anyone may ask, and says so: an audit of the routes finds none that was forgotten. */
@JsonController('/api/health')
export class HealthController {
  @AllowAnonymous()
  @Get()
  health() {
    return { status: 'ok' };
  }
}
