import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { startTestIssuer } from 'microsoft-identity-decorators/testing';
import { AppModule } from './app-module.js';
import { requestsToTry } from './requests-to-try.js';

const isTenantConfigured = Object.keys(process.env).some((name) => /^AzureAd(B2C)?__/.test(name));

async function start(): Promise<void> {
  const issuer = isTenantConfigured ? undefined : await startTestIssuer();
  const adapter = process.env.PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule.for(issuer?.options), adapter, {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  app.enableShutdownHooks();
  await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
  const url = await app.getUrl();

  if (issuer === undefined) {
    console.log('Accepting tokens of the tenant that the environment names.');
  } else {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void issuer.close());
    console.log(await requestsToTry(url, issuer));
  }
  console.log(`Listening on ${url}. Press Ctrl+C to stop.`);
}

function problemOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  return code === 'EADDRINUSE' ? `Port ${String(port)} is in use. Set PORT to another one.` : error.message;
}

start().catch((error: unknown) => {
  console.error(problemOf(error));
  process.exit(1);
});
