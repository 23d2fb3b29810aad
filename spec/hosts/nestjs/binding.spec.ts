import {
  Controller,
  Get,
  Header,
  HttpCode,
  Param,
  SetMetadata,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, Reflector } from '@nestjs/core';
import 'reflect-metadata';
import { describe, expect, it, vi } from 'vitest';
import {
  AllowAnonymous,
  createMicrosoftIdentity,
  getTokenClaims,
  MicrosoftIdentityGuard,
  RequiresAuth,
  TokenClaims,
  ValidateScope,
} from '../../../src/nestjs.js';
import { runAs, startTestIssuer } from '../../../src/testing.js';
import { expectRefusal } from '../../support/api.js';
import { CatchAll, contextOf, issuer, platforms, ran, serve, subject, useIssuer } from './application.js';
import { WeatherController } from './controllers.js';
import { ClassChild, Grandchild } from './derived-controllers.js';

useIssuer();

const Badge = (value: string) => SetMetadata('badge', value);

class UpperCasePipe implements PipeTransform {
  transform(value: unknown) {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

/** A decorator that puts something of its own in the place of the method, under a name of its own. */
const Wrapped: MethodDecorator = (_target, _key, descriptor: PropertyDescriptor) => {
  const inner = descriptor.value as (...parameters: unknown[]) => unknown;
  const replacement = function (this: unknown, ...parameters: unknown[]) {
    ran.push('wrapped');
    return inner.apply(this, parameters);
  };
  for (const key of Reflect.getMetadataKeys(inner) as string[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, inner), replacement);
  }
  descriptor.value = replacement;
};

/** A decorator that writes to the method of the class, rather than to the one that decorators hand on. */
const LateBadge: MethodDecorator = (target, key) => {
  Reflect.defineMetadata('late', 'shown', (target as Record<string | symbol, object>)[key] ?? {});
};

@Controller('stacked')
class StackedController {
  @Get('above/:city')
  @HttpCode(203)
  @Header('X-Place', 'above')
  @UsePipes(UpperCasePipe)
  @Badge('gold')
  @LateBadge
  @RequiresAuth()
  above(@Param('city') city: string) {
    return { city };
  }

  @RequiresAuth()
  @Get('below/:city')
  @HttpCode(203)
  @Header('X-Place', 'below')
  @UsePipes(UpperCasePipe)
  @Badge('gold')
  @LateBadge
  below(@Param('city') city: string) {
    return { city };
  }

  @ValidateScope('access_as_user')
  @Get('between/:city')
  @HttpCode(203)
  @RequiresAuth()
  @Header('X-Place', 'between')
  @UsePipes(UpperCasePipe)
  @Badge('gold')
  @LateBadge
  between(@Param('city') city: string) {
    return { city };
  }

  @Get('wrapped-above')
  @Wrapped
  @RequiresAuth()
  wrappedAbove(@TokenClaims('sub') sub: string) {
    return { sub };
  }

  @RequiresAuth()
  @Wrapped
  @Get('wrapped-below')
  wrappedBelow(@TokenClaims('sub') sub: string) {
    return { sub };
  }
}

describe.each(platforms)('the order of decorators on NestJS, $platform', (platform) => {
  it.each(['above', 'below', 'between'])('works with decorators of Nest %s', async (place) => {
    const api = await serve(platform, { controllers: [StackedController] });
    expectRefusal(await api.call(`/stacked/${place}/oslo`), 'missing_token');
    const answer = await api.call(`/stacked/${place}/oslo`, { token: await issuer.token() });
    expect([answer.status, answer.headers['x-place'], answer.body]).toEqual([203, place, { city: 'OSLO' }]);
    const handler = (StackedController.prototype as unknown as Record<string, () => void>)[place] ?? expect.fail();
    expect(handler.name).toBe(place);
    expect(new Reflector().get<string>('badge', handler)).toBe('gold');
    expect(new Reflector().get<string>('late', handler)).toBe('shown');
  });

  it.each(['wrapped-above', 'wrapped-below'])('works with a decorator that wraps the method: %s', async (path) => {
    const api = await serve(platform, { controllers: [StackedController] });
    expectRefusal(await api.call(`/stacked/${path}`), 'missing_token');
    expect(ran).toEqual([]);
    const answer = await api.call(`/stacked/${path}`, { token: await issuer.token() });
    expect(answer.body).toEqual({ sub: subject });
    expect(ran).toEqual(['wrapped']);
  });

  it('runs the gate before guards and interceptors of the class, which get the claims', async () => {
    class ClassGuard implements CanActivate {
      canActivate(context: ExecutionContext) {
        ran.push(`guard ${String(getTokenClaims(context.switchToHttp().getRequest<object>()).sub)}`);
        return true;
      }
    }
    class ClassInterceptor implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler) {
        ran.push(`interceptor ${String(getTokenClaims().sub)}`);
        return next.handle();
      }
    }

    @RequiresAuth()
    @UseInterceptors(ClassInterceptor)
    @UseGuards(ClassGuard)
    @Controller('above')
    class AboveController {
      @Get()
      read() {
        return {};
      }
    }

    @UseInterceptors(ClassInterceptor)
    @UseGuards(ClassGuard)
    @RequiresAuth()
    @Controller('below')
    class BelowController {
      @Get()
      read() {
        return {};
      }
    }
    const api = await serve(platform, { controllers: [AboveController, BelowController] });
    for (const path of ['/above', '/below']) {
      expectRefusal(await api.call(path), 'missing_token');
      expect(ran).toEqual([]);
      expect((await api.call(path, { token: await issuer.token() })).status).toBe(200);
      expect(ran).toEqual([`guard ${subject}`, `interceptor ${subject}`]);
      ran.length = 0;
    }
  });

  it('binds one gate, however many decorators there are', async () => {
    const canActivate = vi.spyOn(MicrosoftIdentityGuard.prototype, 'canActivate');
    const api = await serve(platform, { controllers: [WeatherController, ClassChild, Grandchild] });
    const token = await issuer.token({ scp: 'access_as_user read' });
    for (const path of ['/weather/now/Oslo', '/class-child/own', '/grandchild/redeclared']) {
      canActivate.mockClear();
      expect([path, (await api.call(path, { token })).status]).toEqual([path, 200]);
      expect(canActivate).toHaveBeenCalledTimes(1);
    }
  });
});

describe.each(platforms)('createMicrosoftIdentity on NestJS, $platform', (platform) => {
  it('checks tokens against its own configuration, and answers as that configuration says', async () => {
    const partners = await startTestIssuer();
    const bound = createMicrosoftIdentity({ ...partners.options, errors: 'forward' });

    @Controller('bound')
    class BoundController {
      @Get('partners')
      @bound.RequiresAuth()
      partners(@bound.TokenClaims('iss') iss: string) {
        return { iss };
      }

      @Get('own')
      @RequiresAuth()
      own() {
        return {};
      }
    }
    const api = await serve(platform, {
      controllers: [BoundController],
      providers: [{ provide: APP_FILTER, useClass: CatchAll }],
    });
    const answer = await api.call('/bound/partners', { token: await partners.token() });
    expect(answer.body).toEqual({ iss: expect.stringContaining(partners.options.tenantId) as string });
    expect((await api.call('/bound/partners', { token: await issuer.token() })).status).toBe(500);
    expect(CatchAll.seen).toEqual([expect.objectContaining({ code: 'invalid_token' })]);
    expectRefusal(await api.call('/bound/own'), 'missing_token');
    expect((await api.call('/bound/own', { token: await issuer.token() })).status).toBe(200);
    bound.close();
    await partners.close();
  });
});

describe('a parameter', () => {
  it.each(['graphql', 'rpc', 'ws'])('fills no claims in a handler that is called by %s', (type) => {
    const [parameter] = Object.values(
      Reflect.getMetadata('__routeArguments__', WeatherController, 'open') as Record<
        string,
        { factory: (data: unknown, context: ExecutionContext) => unknown }
      >,
    );
    expect(parameter?.factory(undefined, contextOf(WeatherController, 'open', type))).toBeUndefined();
  });
});

describe('the binding', () => {
  it('refuses a decorator on an element that is no method', () => {
    expect(() => {
      class Wrong {
        declare value: string;
      }
      RequiresAuth()(Wrong.prototype, 'value', undefined);
      return Wrong;
    }).toThrow('Wrong.value has a decorator for methods, and is not a method.');
  });

  it('protects a static method', () => {
    class Reports {
      @RequiresAuth()
      static read() {
        return 'ran';
      }
    }
    expect(() => Reports.read()).toThrow('Reports.read is protected');
    expect(runAs({}, () => Reports.read())).toBe('ran');
  });

  it('refuses contradicting decorators', () => {
    expect(() => {
      @AllowAnonymous()
      @RequiresAuth()
      class Wrong {}
      return Wrong;
    }).toThrow('@AllowAnonymous()');
  });

  it('protects a method that is no handler, where only its class has a requirement', () => {
    @RequiresAuth()
    class Service {
      helper() {
        return 'ran';
      }
    }
    expect(() => new Service().helper()).toThrow('Service.helper is protected');
    expect(runAs({}, () => new Service().helper())).toBe('ran');
  });

  it('leaves the methods alone that Nest calls when an application starts and stops', () => {
    @RequiresAuth()
    class Service {
      onModuleInit() {
        return 'ran';
      }
    }
    expect(new Service().onModuleInit()).toBe('ran');
  });
});
