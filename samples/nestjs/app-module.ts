import { Module, type DynamicModule } from '@nestjs/common';
import { MicrosoftIdentityModule, type IdentityOptions } from 'microsoft-identity-decorators/nestjs';
import { ClimateService } from './climate.js';
import { WeatherController } from './weather-controller.js';

@Module({ controllers: [WeatherController], providers: [ClimateService] })
export class AppModule {
  /** @param options - the tenant and the API's registration; without them the environment is asked */
  static for(options?: IdentityOptions): DynamicModule {
    return {
      module: AppModule,
      // A controller that bears no decorator is protected too.
      imports: [MicrosoftIdentityModule.forRoot(options, { requireAuth: true })],
    };
  }
}
