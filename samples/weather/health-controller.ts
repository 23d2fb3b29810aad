import { Get, JsonController } from 'routing-controllers';
import { AllowAnonymous } from 'microsoft-identity-decorators';

/** Open to anyone. `@AllowAnonymous` tells an audit of the routes that this is intended. */
@JsonController('/api/health')
export class HealthController {
  @AllowAnonymous()
  @Get()
  health() {
    return { status: 'ok' };
  }
}
