/** A module of Nest that imports others, without a tenant. */
import { Controller, forwardRef, Get, Module, Post } from '@nestjs/common';
import { AllowAnonymous, MicrosoftIdentityModule, RequiresAuth, ValidateScope } from '../../../src/nestjs.js';

class Base {
  @Get('status')
  @ValidateScope('status.read')
  status() {
    return 'base';
  }
}

@Controller('cats')
class CatsController extends Base {
  @Get([':id', 'by-id/:id'])
  @RequiresAuth()
  find() {
    return 'cat';
  }
  @Post()
  add() {
    return 'added';
  }
  @Get('open')
  @AllowAnonymous()
  open() {
    return 'open';
  }
  helper() {
    return 'no route';
  }
}

@Module({ controllers: [CatsController], imports: [forwardRef(() => AppModule)] })
class CatsModule {}

@Module({ imports: [Promise.resolve({ module: CatsModule }), CatsModule, MicrosoftIdentityModule.forRoot()] })
export class AppModule {}
