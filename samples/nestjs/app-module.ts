import { Module, type DynamicModule } from '@nestjs/common';
import { MicrosoftIdentityModule, type IdentityOptions } from 'microsoft-identity-decorators/nestjs';
import { ClimateService } from './climate.js';
import { WeatherController } from './weather-controller.js';

@Module({ controllers: [WeatherController], providers: [ClimateService] })
export class AppModule {
  /** @param options - the tenant and the API's registration; by default they are read from the environment */
  static for(options?: IdentityOptions): DynamicModule {
    return {
      module: AppModule,
      // A controller without decorators is protected too.
      imports: [MicrosoftIdentityModule.forRoot(options, { requireAuth: true })],
    };
  }
}
