/** Applications of Nest under test, on each of its platforms. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Catch,
  HttpException,
  Module,
  type ArgumentsHost,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
  type ModuleMetadata,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { initialize } from '../../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../../src/testing.js';
import { send, type Answer, type Call } from '../../support/api.js';
import { forgetWarnings } from '../../support/isolation.js';

export const platforms = [
  { platform: 'Express', adapter: () => new ExpressAdapter() },
  { platform: 'Fastify', adapter: () => new FastifyAdapter() },
] as const;
export type Platform = (typeof platforms)[number];

export interface NestApi {
  readonly url: string;
  readonly app: INestApplication;
  call(path: string, call?: Call): Promise<Answer>;
}

export const started: INestApplication[] = [];

export async function serve(
  { adapter }: Platform,
  metadata: ModuleMetadata,
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<NestApi> {
  class AppModule {}
  Module(metadata)(AppModule);
  const app = await NestFactory.create(AppModule, adapter(), { logger: false });
  started.push(app);
  prepare(app);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const url = `http://127.0.0.1:${String(port)}`;
  return { url, app, call: (path, call) => send(url + path, call) };
}

/** The issuer of the file that runs. */
export let issuer: TestIssuer;

/** What has run since the test began, in order. */
export const ran: string[] = [];

/** Starts an issuer for the tests of a file, and configures it before each. */
export function useIssuer(): void {
  beforeAll(async () => {
    issuer = await startTestIssuer();
  });
  afterAll(() => issuer.close());
  beforeEach(() => {
    ran.length = 0;
    CatchAll.seen = [];
    initialize({ ...issuer.options, b2c: issuer.b2cOptions });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const app of started.splice(0)) await app.close();
  });
}

/** Silences and counts the warnings to the developer. */
export function warnings(): string[] {
  const given: string[] = [];
  forgetWarnings();
  vi.spyOn(process, 'emitWarning').mockImplementation((warning, options) => {
    expect(options).toEqual({ type: 'MicrosoftIdentityWarning', code: 'invalid_configuration' });
    given.push(String(warning));
  });
  return given;
}

export const subject = 'v2-pairwise-subject';

/** What Nest hands to a guard, without the request that would lead to it. */
export function contextOf(
  controller: new (...parameters: never[]) => object,
  name: string,
  type = 'http',
): ExecutionContext {
  const request = { headers: {}, method: 'GET' };
  const http = { getRequest: () => request, getResponse: () => ({ setHeader: () => undefined }) };
  return {
    getClass: () => controller,
    getHandler: () => (controller.prototype as Record<string, unknown>)[name],
    getType: () => type,
    switchToHttp: () => http,
    getArgs: () => [],
  } as unknown as ExecutionContext;
}

/** A filter of the application for every error, which remembers what it saw. */
@Catch()
export class CatchAll implements ExceptionFilter {
  static seen: unknown[] = [];

  catch(error: unknown, host: ArgumentsHost) {
    CatchAll.seen.push(error);
    const status = error instanceof HttpException ? error.getStatus() : 500;
    const response = host.switchToHttp().getResponse<{
      status(code: number): { send(body: object): void };
    }>();
    response.status(status).send({ caught: (error as Error).message });
  }
}
