import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import {
  AllowAnonymous,
  ConfigurationError,
  RequiresAuth,
  RequiresB2cAuth,
  RequiresRole,
  ValidateScope,
} from '../../src/index.js';

describe('decorators that contradict each other or ask for nothing', () => {
  const decorating =
    (...decorators: ((target: object, key: string, descriptor: PropertyDescriptor) => void)[]) =>
    () => {
      class Target {
        method(): void {
          return undefined;
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Target.prototype, 'method') ?? {};
      for (const decorate of decorators) decorate(Target.prototype, 'method', descriptor);
    };
  const none = [] as unknown as [string];

  it.each([
    ['both schemes', decorating(RequiresAuth(), RequiresB2cAuth())],
    ['anonymous beside a scheme', decorating(AllowAnonymous(), RequiresAuth())],
    ['a scope beside anonymous', decorating(ValidateScope('read'), AllowAnonymous())],
    ['policies with nothing in common', decorating(RequiresB2cAuth({ policy: 'a' }), RequiresB2cAuth({ policy: 'b' }))],
    ['no scope', () => ValidateScope(...none)],
    ['no role', () => RequiresRole(...none)],
    ['an empty scope', () => ValidateScope('')],
    ['a blank scope', () => ValidateScope('read', '  ')],
    ['two scopes in one', () => ValidateScope('read write')],
    ['a full URI', () => ValidateScope('api://1234/access_as_user')],
    ['a quote in a scope', () => ValidateScope('a"b')],
    ['a blank role', () => RequiresRole('\t')],
    ['two roles in one', () => RequiresRole('Admin Owner')],
    ['no policy', () => RequiresB2cAuth({ policy: [] })],
    ['a blank policy', () => RequiresB2cAuth({ policy: '' })],
  ])('throws where the decorator stands: %s', (_, act) => {
    expect(act).toThrow(ConfigurationError);
  });

  it('throws for both schemes on one class', () => {
    expect(() => {
      @RequiresB2cAuth()
      @RequiresAuth()
      class Both {}
      return Both;
    }).toThrow(ConfigurationError);
  });

  it('throws for standard decorators, which cannot mark parameters', () => {
    const standard = RequiresAuth() as unknown as (value: unknown, context: unknown) => void;
    expect(() => {
      standard(() => undefined, { kind: 'method', name: 'method' });
    }).toThrow('experimentalDecorators');
  });
});
