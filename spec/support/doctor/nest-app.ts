/** A factory of a Nest application with a prefix, versions and a module path. */
import { Controller, Get, Module, VERSION_NEUTRAL, Version, VersioningType } from '@nestjs/common';
import { NestFactory, RouterModule } from '@nestjs/core';
import { MicrosoftIdentityModule, RequiresAuth } from '../../../src/nestjs.js';

@Controller({ path: 'dogs', version: ['1', '2'] })
class DogsController {
  @Get(':id')
  @RequiresAuth()
  find() {
    return 'dog';
  }
  @Get()
  @Version('3')
  list() {
    return [];
  }
}

@Controller({ path: 'health', version: VERSION_NEUTRAL })
class HealthController {
  @Get()
  health() {
    return 'up';
  }
}

@Module({ controllers: [DogsController] })
class DogsModule {}

@Module({
  controllers: [HealthController],
  imports: [
    DogsModule,
    RouterModule.register([{ path: 'animals', module: DogsModule }]),
    MicrosoftIdentityModule.forRootAsync({ useFactory: () => ({ requireAuth: process.env['OPEN'] === undefined }) }),
  ],
})
class AppModule {}

export async function createApp() {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.setGlobalPrefix('api', { exclude: ['health'] });
  app.enableVersioning({ type: VersioningType.URI });
  return app;
}
