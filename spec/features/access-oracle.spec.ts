/**
 * Random classes and chains of middlewares, asked with every token: each host runs exactly what a naive model of the
 * decorators runs, and answers what it does not run.
 */
import { Controller as NestController, Get as NestGet } from '@nestjs/common';
import fc from 'fast-check';
import { Agent, request as httpRequest } from 'node:http';
import type { RequestHandler } from 'express';
import 'reflect-metadata';
import { Get, JsonController, useContainer } from 'routing-controllers';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as ofExpress from '../../src/express.js';
import * as ofRoutingControllers from '../../src/index.js';
import * as ofNest from '../../src/nestjs.js';
import { startTestIssuer, type TestIssuer } from '../../src/testing.js';
import { expressReleases, listen, serve } from '../support/api.js';
import { serve as serveNest, platforms, started } from '../hosts/nestjs/application.js';
import {
  chains,
  hierarchies,
  methodNames,
  policies,
  services as serviceHierarchies,
  signed,
  tokens,
  type Link,
} from './access-oracle/arbitraries.js';
import { build, buildServices, record, type Class, type Decorate } from './access-oracle/classes.js';
import {
  decoratorsOn,
  passGate,
  passMethod,
  Refused,
  run,
  type Caller,
  type Hierarchy,
  type World,
} from './access-oracle/model.js';

// The same classes in every run. Another seed finds other ones.
const seed = 14;

/** Thousands of requests take their time on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

let issuer: TestIssuer;
const signedTokens: (string | undefined)[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  issuer = await startTestIssuer({ policies: [...policies] });
  for (const token of tokens) signedTokens.push(token && (await signed(issuer, token)));
});
beforeEach(() => {
  // A requirement of a scheme that is not configured is reported to the developer.
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});
afterAll(async () => {
  agent.destroy();
  vi.restoreAllMocks();
  await issuer.close();
});

/** What came of a request: its status, and the bodies that were entered. */
interface Outcome {
  readonly status: number;
  readonly ran: readonly string[];
}

/** A route, and what the model says of a request to it. */
interface Route {
  readonly path: string;
  readonly description: unknown;
  readonly handsOn?: boolean;
  expected(caller: Caller, world: World, ran: string[]): void;
}

function statusOf(url: string, token: string | undefined): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    httpRequest(url, { agent, headers }, (response) => {
      response.resume().on('end', () => {
        resolve(response.statusCode ?? 0);
      });
    })
      .on('error', reject)
      .end();
  });
}

function expectedOutcome(route: Route, token: (typeof tokens)[number], world: World): Outcome {
  const ran: string[] = [];
  try {
    route.expected({ token, verified: false }, world, ran);
    return { status: 200, ran };
  } catch (error) {
    if (error instanceof Refused) return { status: error.status, ran };
    throw error;
  }
}

const configurations = [
  { configured: ['entra', 'b2c'] as const, configure: () => ({ ...issuer.options, b2c: issuer.b2cOptions }) },
  { configured: ['entra'] as const, configure: () => issuer.options },
];

/** Asks every route with every token, in each configuration, and compares with the model. */
async function compare(url: string, routes: readonly Route[], services: World['services']): Promise<number> {
  const disagreements: unknown[] = [];
  let requests = 0;
  let passed = 0;
  for (const { configured, configure } of configurations) {
    ofExpress.initialize(configure());
    for (const route of routes) {
      for (const [index, token] of tokens.entries()) {
        const expected = expectedOutcome(route, token, { configured, services });
        record.ran = [];
        record.handsOn = route.handsOn ?? false;
        const status = await statusOf(url + route.path, signedTokens[index]);
        requests++;
        if (status === 200) passed++;
        const actual = { status, ran: record.ran };
        if (JSON.stringify(actual) === JSON.stringify(expected)) continue;
        const { path, description } = route;
        disagreements.push({ path, token: token?.name, configured, expected, actual, description });
      }
    }
  }
  // One is enough to look into, and its classes take a page.
  expect(JSON.stringify(disagreements.slice(0, 1))).toBe('[]');
  // The comparison has a meaning where many requests pass, and many are refused.
  expect(passed / requests).toBeGreaterThan(0.05);
  expect(passed / requests).toBeLessThan(0.9);
  return requests;
}

const sampled = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): readonly T[] =>
  fc.sample(arbitrary, { seed, numRuns });

/** The levels of a hierarchy that are controllers: the last one, and some of those above. */
const isController = (hierarchy: Hierarchy, level: number, number: number) =>
  level === hierarchy.length - 1 || (number + level) % 2 === 0;

/** The routes of controllers whose instances are those of the class itself, or of one below it. */
function routesOf(number: number, level: number, hierarchy: Hierarchy, instanceOf: Hierarchy): readonly Route[] {
  const controller = hierarchy.slice(0, level + 1);
  return methodNames.map((name) => ({
    path: `/${String(number)}-${String(level)}/${name}`,
    description: { level, hierarchy },
    expected(caller, world, ran) {
      passGate(decoratorsOn(controller, 'methods', name), caller, world);
      passMethod(decoratorsOn(instanceOf, 'methods', name), caller, world);
      run(instanceOf, 'methods', name, caller, world, ran);
    },
  }));
}

describe('random classes', () => {
  const [services = []] = sampled(serviceHierarchies, 1);

  it('run for whom the model lets in, on routing-controllers', async () => {
    const instances = buildServices(services, ofRoutingControllers);
    const handedOut = new Map<unknown, Class>();
    const controllers: Class[] = [];
    const routes: Route[] = [];
    for (const [number, hierarchy] of sampled(hierarchies(), 40).entries()) {
      const classes = build(hierarchy, ofRoutingControllers, instances, {
        // An override may leave the route to the method that it overrides.
        route: (level, name, { aboveRoute }) =>
          level > 0 && aboveRoute === 0 ? undefined : (Get(`/${name}`) as Decorate),
        controller: (level) => JsonController(`/${String(number)}-${String(level)}`) as Decorate,
      });
      for (const [level, controller] of classes.entries()) {
        if (!isController(hierarchy, level, number)) continue;
        // A container may give an instance of a class below the controller.
        const isStricter = number % 3 === 0;
        handedOut.set(controller, (isStricter ? classes.at(-1) : undefined) ?? controller);
        controllers.push(controller);
        routes.push(...routesOf(number, level, hierarchy, isStricter ? hierarchy : hierarchy.slice(0, level + 1)));
      }
    }
    const made = new Map<unknown, object>();
    useContainer({
      get: (wanted) => {
        const Wanted = handedOut.get(wanted) ?? (wanted as Class);
        const instance = made.get(Wanted) ?? new Wanted();
        made.set(Wanted, instance);
        return instance as never;
      },
    });
    const api = await serve(controllers);
    try {
      expect(await compare(api.url, routes, services)).toBeGreaterThan(2_000);
    } finally {
      await api.close();
    }
  });

  it.each(platforms)('run for whom the model lets in, on Nest with $platform', async (platform) => {
    const instances = buildServices(services, ofNest);
    const controllers: Class[] = [];
    const routes: Route[] = [];
    for (const [number, hierarchy] of sampled(hierarchies(), 25).entries()) {
      const classes = build(hierarchy, ofNest, instances, {
        route: (_level, name) => NestGet(name) as Decorate,
        controller: (level) => NestController(`${String(number)}-${String(level)}`) as Decorate,
      });
      for (const [level, controller] of classes.entries()) {
        if (!isController(hierarchy, level, number)) continue;
        controllers.push(controller);
        routes.push(...routesOf(number, level, hierarchy, hierarchy.slice(0, level + 1)));
      }
    }
    const { url } = await serveNest(platform, { controllers });
    try {
      expect(await compare(url, routes, services)).toBeGreaterThan(1_000);
    } finally {
      for (const app of started.splice(0)) await app.close();
    }
  });
});

function middlewareOf({ middleware }: Extract<Link, { readonly middleware: unknown }>): RequestHandler {
  switch (middleware.kind) {
    case 'entra':
      return ofExpress.requiresAuth({ callers: middleware.callers });
    case 'b2c':
      return ofExpress.requiresB2cAuth({ policy: middleware.policy });
    case 'any':
      return ofExpress.requiresAnyAuth();
    case 'scope':
      return ofExpress.requiresScope(...middleware.anyOf);
    case 'role':
      return ofExpress.requiresRole(...middleware.anyOf);
  }
}

type Handler = (...parameters: unknown[]) => unknown;

/** A method of a class as a handler: the method itself, or an arrow that calls it with two arguments. */
function handlerOf(
  link: Exclude<Link, { readonly middleware: unknown }>,
  instances: readonly object[],
): RequestHandler {
  const Last = build(link.hierarchy, ofExpress, instances).at(-1);
  if (Last === undefined) throw new Error('A hierarchy has a class.');
  // A class is closed from its first instance on.
  const instance = new Last();
  const target = (link.isStatic ? Last : instance) as unknown as Record<string, Handler>;
  return async (request, response, next) => {
    try {
      await target[link.name]?.(...(link.inArrow ? [request, response] : [request, response, next]));
      if (link.inArrow && !response.headersSent) next();
    } catch (error) {
      // Express 4 does not wait for handlers.
      next(error);
    }
  };
}

describe.each(expressReleases)('random chains of middlewares and classes, $release', ({ express }) => {
  it('run for whom the model lets in', async () => {
    const [services = []] = sampled(serviceHierarchies, 1);
    const instances = buildServices(services, ofExpress);
    const app = express();
    app.set('env', 'test');
    const routes = sampled(chains, 120).map((chain, number): Route => {
      const path = `/${String(number)}`;
      const handlers = chain.map((link) => ('middleware' in link ? middlewareOf(link) : handlerOf(link, instances)));
      app.get(path, ...handlers, (_request, response) => {
        response.json({ ran: true });
      });
      return {
        path,
        description: chain,
        handsOn: chain.every(
          (link) =>
            'middleware' in link ||
            decoratorsOn(link.hierarchy, link.isStatic ? 'statics' : 'methods', link.name).length > 0,
        ),
        expected(caller, world, ran) {
          for (const link of chain) {
            if ('middleware' in link) {
              passGate([link.middleware], caller, world);
              continue;
            }
            const members = link.isStatic ? 'statics' : 'methods';
            passGate(decoratorsOn(link.hierarchy, members, link.name), caller, world);
            run(link.hierarchy, members, link.name, caller, world, ran);
          }
        },
      };
    });
    const api = await listen(app);
    try {
      expect(await compare(api.url, routes, services)).toBeGreaterThan(1_000);
    } finally {
      await api.close();
    }
  });
});
