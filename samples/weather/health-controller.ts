import { Get, JsonController } from 'routing-controllers';

/** Bears no requirement, so anyone may ask. */
@JsonController('/api/health')
export class HealthController {
  @Get()
  health() {
    return { status: 'ok' };
  }
}
