/** The module of nest-module.ts, in an application that requires a token of every route. */
import { Module } from '@nestjs/common';
import { MicrosoftIdentityModule } from '../../../src/nestjs.js';
import { AppModule } from './nest-module.js';

@Module({ imports: [AppModule, MicrosoftIdentityModule.forRoot(undefined, { requireAuth: true })] })
export class ClosedModule {}
