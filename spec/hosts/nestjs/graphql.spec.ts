/** Resolvers of @nestjs/graphql behind the gate. The server of GraphQL is graphql-http, on both platforms. */
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, Injectable, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import {
  AbstractGraphQLDriver,
  Args,
  Field,
  GraphQLModule,
  GraphQLSchemaHost,
  Info,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
  type GqlModuleOptions,
} from '@nestjs/graphql';
import type * as GraphQl16 from 'graphql';
import type { ExecutionResult, GraphQLResolveInfo } from 'graphql';
import { createHandler as createExpressHandler } from 'graphql-http/lib/use/express';
import { createHandler as createFastifyHandler } from 'graphql-http/lib/use/fastify';
import type { IncomingMessage, Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import 'reflect-metadata';
import { afterEach, describe, expect, it } from 'vitest';
import {
  AllowAnonymous,
  AuthError,
  ConfigurationError,
  getTokenClaims,
  initialize,
  MicrosoftIdentityModule,
  RequiresAuth,
  RequiresAuthContext,
  RequiresB2cAuth,
  RequiresRole,
  TokenClaims,
  ValidateScope,
  validateScope,
  type IdentityOptions,
} from '../../../src/nestjs.js';
import { send } from '../../support/api.js';
import { issuer, platforms, useIssuer, warnings } from './application.js';

// The build that @nestjs/graphql loads: another one does not take its schema.
const { graphql, parse, subscribe } = createRequire(import.meta.url)('graphql') as typeof GraphQl16;

useIssuer();

/** How a server hands the request to resolvers. */
type ContextOf = (request: object) => object;

let contextOf: ContextOf;

@Injectable()
class GraphQlHttpDriver extends AbstractGraphQLDriver {
  start({ schema, path = '/graphql' }: GqlModuleOptions): Promise<void> {
    const { httpAdapter } = this.httpAdapterHost;
    const context = ({ raw }: { readonly raw: object }) => contextOf(raw) as never;
    const options = { schema: schema ?? expect.fail(), context };
    const handler = httpAdapter.getType() === 'express' ? createExpressHandler(options) : createFastifyHandler(options);
    httpAdapter.post(path, handler as never);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

const ran: string[] = [];

@Injectable()
class Orders {
  @RequiresRole('Orders.Admin')
  async remove(id: string) {
    await Promise.resolve();
    ran.push('remove');
    return id;
  }
}

@RequiresAuth()
@Resolver()
class WeatherResolver {
  readonly #orders = new Orders();

  @Query(() => String)
  @ValidateScope('access_as_user')
  report(@Args('city', { type: () => String }) city: string, @TokenClaims('oid') oid: string) {
    ran.push('report');
    return `${city} for ${oid}`;
  }

  @Query(() => String)
  async whoever() {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return getTokenClaims().oid;
  }

  @Query(() => String)
  @RequiresRole('Admin')
  admin() {
    ran.push('admin');
    return 'admin';
  }

  @Query(() => String)
  @RequiresAuthContext('c1')
  stepUp() {
    return 'stepped up';
  }

  @Query(() => String)
  helper() {
    validateScope('write');
    return 'written';
  }

  @Query(() => String)
  @RequiresB2cAuth({ policy: 'B2C_1_unknown' })
  misconfigured() {
    ran.push('misconfigured');
    return 'misconfigured';
  }

  @Query(() => String)
  @AllowAnonymous()
  open(@TokenClaims('oid') oid: string | undefined) {
    return oid ?? 'anonymous';
  }

  @Query(() => String)
  @AllowAnonymous()
  openCallsProtected() {
    return this.#orders.remove('1');
  }

  @Mutation(() => String)
  remove(@Args('id', { type: () => String }) id: string) {
    return this.#orders.remove(id);
  }

  @Subscription(() => String)
  async *ticks() {
    ran.push('ticks');
    yield await Promise.resolve({ ticks: 'tick' });
  }
}

@Resolver()
class BareResolver {
  @Query(() => String)
  bare() {
    ran.push('bare');
    return 'bare';
  }

  @Query(() => String)
  @AllowAnonymous()
  lifted() {
    return 'lifted';
  }
}

/** A filter of the application for what is forwarded. */
@Catch(AuthError, ConfigurationError)
class Forwarded implements ExceptionFilter {
  static seen: unknown[] = [];

  catch(error: Error, _host: ArgumentsHost): never {
    Forwarded.seen.push(error);
    throw new Error(`by the application: ${error.name}`);
  }
}

@ObjectType()
class Order {
  @Field(() => String)
  id!: string;
}

@Resolver(() => Order)
@RequiresAuth()
class OrderResolver {
  @Query(() => [Order])
  @AllowAnonymous()
  openOrders() {
    return [{ id: '1' }, { id: '2' }];
  }

  @Query(() => [Order])
  async orders() {
    await Promise.resolve();
    return [{ id: '1' }, { id: '2' }];
  }

  @ResolveField(() => String, { nullable: true })
  @ValidateScope('orders.read')
  note() {
    ran.push('note');
    return `for ${String(getTokenClaims().oid)}`;
  }

  @ResolveField(() => String, { nullable: true })
  @RequiresRole('Orders.Admin')
  async buyer(@Parent() { id }: Order, @TokenClaims('oid') oid: string) {
    ran.push('buyer');
    await Promise.resolve();
    return `${id} for ${oid}, ${String(getTokenClaims().oid)}`;
  }
}

@Resolver()
@RequiresAuth()
class ReferenceResolver {
  static info: GraphQLResolveInfo | undefined;

  @Query(() => String)
  @AllowAnonymous()
  information(@Info() info: GraphQLResolveInfo) {
    ReferenceResolver.info = info;
    return 'noted';
  }

  @ValidateScope('orders.read')
  resolveReference({ id }: { readonly id: string }) {
    return { id, oid: getTokenClaims().oid };
  }
}

type Answered = ExecutionResult<Record<string, string | null>>;

interface GraphQl {
  readonly ask: (query: string, token?: string) => Promise<Answered>;
  readonly schema: NonNullable<GqlModuleOptions['schema']>;
}

const started: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const app of started.splice(0)) await app.close();
  ran.length = 0;
  Forwarded.seen = [];
});

interface Settings {
  readonly options?: IdentityOptions;
  readonly filter?: boolean;
  readonly enhancers?: NonNullable<GqlModuleOptions['fieldResolverEnhancers']>;
}

async function start(
  { adapter }: (typeof platforms)[number],
  context: ContextOf = (request) => ({ req: request }),
  { options, filter, enhancers = [] }: Settings = {},
): Promise<GraphQl> {
  contextOf = context;
  @Module({
    imports: [
      GraphQLModule.forRoot({ driver: GraphQlHttpDriver, autoSchemaFile: true, fieldResolverEnhancers: enhancers }),
      ...(options === undefined ? [] : [MicrosoftIdentityModule.forRoot(options)]),
    ],
    providers: [
      WeatherResolver,
      BareResolver,
      OrderResolver,
      ReferenceResolver,
      ...(filter === true ? [{ provide: APP_FILTER, useClass: Forwarded }] : []),
    ],
  })
  class GraphQlApplication {}
  const app = await NestFactory.create(GraphQlApplication, adapter(), { logger: false });
  started.push(app);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return {
    schema: app.get(GraphQLSchemaHost).schema,
    ask: async (query, token) => {
      const answer = await send(`http://127.0.0.1:${String(port)}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
        body: JSON.stringify({ query }),
        ...(token !== undefined && { token }),
      });
      return answer.body as Answered;
    },
  };
}

/** Asserts that a field was refused, with what the caller reads. */
function expectRefused(answer: unknown, field: string, message: string, extensions: object): void {
  const { errors } = answer as { errors?: { path?: string[]; message: string; extensions?: object }[] };
  const error = errors?.find(({ path }) => path?.[0] === field);
  expect({ message: error?.message, extensions: error?.extensions }).toEqual({ message, extensions });
}

const serverError = { code: 'server_error', status: 500 };
const needsToken = [
  'This request needs an access token.',
  { code: 'missing_token', status: 401, challenge: 'Bearer' },
] as const;

describe.each(platforms)('resolvers on NestJS, $platform', (platform) => {
  it('runs for a token that satisfies the decorators, with its claims', async () => {
    const { ask } = await start(platform);
    const answer = await ask(
      '{ report(city: "Oslo") whoever }',
      await issuer.token({ scp: 'access_as_user', oid: 'ada' }),
    );
    expect(answer).toEqual({ data: { report: 'Oslo for ada', whoever: 'ada' } });
  });

  it.each<[string, ContextOf]>([
    ['request', (request) => ({ request })],
    ['the request of a reply, as Mercurius has it', (request) => ({ reply: { request, raw: {} } })],
    ["Node's request in req", (request) => ({ req: 'raw' in request ? request.raw : request })],
  ])('finds the request in a context that holds it as %s', async (_, context) => {
    const { ask } = await start(platform, context);
    expectRefused(await ask('{ whoever }'), 'whoever', ...needsToken);
    expect(await ask('{ whoever }', await issuer.token({ oid: 'ada' }))).toEqual({ data: { whoever: 'ada' } });
  });

  it('refuses with the text, the code and the challenge that an HTTP request gets', async () => {
    const { ask } = await start(platform);
    expectRefused(await ask('{ report(city: "Oslo") }'), 'report', ...needsToken);
    const valid = await issuer.token({ scp: 'access_as_user' });
    expectRefused(
      await ask('{ report(city: "Oslo") }', `${valid.slice(0, -8)}AAAAAAAA`),
      'report',
      'The signature of the access token is not valid.',
      {
        code: 'invalid_token',
        status: 401,
        challenge: 'Bearer error="invalid_token", error_description="The signature of the access token is not valid."',
      },
    );
    const lacks = 'The access token does not carry the scope this request needs.';
    expectRefused(await ask('{ report(city: "Oslo") }', await issuer.token({ scp: 'read' })), 'report', lacks, {
      code: 'insufficient_scope',
      status: 403,
      challenge: `Bearer error="insufficient_scope", error_description="${lacks}", scope="access_as_user"`,
    });
    expect(ran).toEqual([]);
  });

  it('hands a client that understands it the claims challenge', async () => {
    const { ask } = await start(platform);
    const answer = await ask('{ stepUp }', await issuer.token({ xms_cc: ['cp1'] }));
    expectRefused(answer, 'stepUp', 'This request needs an access token with more claims.', {
      code: 'insufficient_claims',
      status: 401,
      challenge: expect.stringMatching(/^Bearer realm=.*, error="insufficient_claims", claims="[\w+/=]+"$/) as string,
    });
  });

  it('judges each field of an operation by itself', async () => {
    const { ask } = await start(platform);
    const answer = await ask(
      '{ a: report(city: "Oslo") admin helper open bare }',
      await issuer.token({ scp: 'access_as_user write', oid: 'ada' }),
    );
    expectRefused(answer, 'admin', 'The access token does not carry the role this request needs.', {
      code: 'insufficient_scope',
      status: 403,
      challenge:
        'Bearer error="insufficient_scope", error_description="The access token does not carry the role this request needs."',
    });
    expect(ran).not.toContain('admin');
    const allowed = await ask('{ helper open bare }', await issuer.token({ scp: 'write', oid: 'ada' }));
    expect(allowed).toEqual({ data: { helper: 'written', open: 'ada', bare: 'bare' } });
  });

  it('answers what a resolver and a service below it refuse', async () => {
    const { ask } = await start(platform);
    const lacks = 'The access token does not carry the scope this request needs.';
    expectRefused(await ask('{ helper }', await issuer.token({ scp: 'read' })), 'helper', lacks, {
      code: 'insufficient_scope',
      status: 403,
      challenge: `Bearer error="insufficient_scope", error_description="${lacks}", scope="write"`,
    });
    const remove = 'mutation { remove(id: "7") }';
    expectRefused(
      await ask(remove, await issuer.token()),
      'remove',
      'The access token does not carry the role this request needs.',
      {
        code: 'insufficient_scope',
        status: 403,
        challenge:
          'Bearer error="insufficient_scope", error_description="The access token does not carry the role this request needs."',
      },
    );
    expect(ran).toEqual([]);
    expect(await ask(remove, await issuer.token({ roles: ['Orders.Admin'] }))).toEqual({ data: { remove: '7' } });
  });

  it.each<Pick<Settings, 'enhancers'>>([
    { enhancers: [] },
    { enhancers: ['guards'] },
    { enhancers: ['guards', 'interceptors', 'filters'] },
  ])('protects fields too, whatever enhancers Nest has for them: %j', async (enhancers) => {
    const { ask } = await start(platform, undefined, enhancers);
    const token = await issuer.token({ scp: 'orders.read', roles: ['Orders.Admin'], oid: 'ada' });
    for (const field of ['orders', 'openOrders']) {
      expect(await ask(`{ ${field} { id note buyer } }`, token)).toEqual({
        data: {
          [field]: [
            { id: '1', note: 'for ada', buyer: '1 for ada, ada' },
            { id: '2', note: 'for ada', buyer: '2 for ada, ada' },
          ],
        },
      });
    }
    ran.length = 0;
    const anonymous = await ask('{ openOrders { id note buyer } }');
    expect(anonymous.data).toEqual({
      openOrders: [
        { id: '1', note: null, buyer: null },
        { id: '2', note: null, buyer: null },
      ],
    });
    expect(anonymous.errors?.map(({ message, extensions }) => [message, extensions])).toEqual(
      [1, 2, 3, 4].map(() => needsToken),
    );
    const lacking = await ask('{ orders { note buyer } }', await issuer.token({ scp: 'read' }));
    expect(new Set(lacking.errors?.map(({ message, extensions }) => [message, extensions['status']].join()))).toEqual(
      new Set([
        'The access token does not carry the scope this request needs.,403',
        'The access token does not carry the role this request needs.,403',
      ]),
    );
    expect(ran).toEqual([]);
  });

  it('keeps two requests apart', async () => {
    const { ask } = await start(platform);
    const callers = ['ada', 'eve', 'joan', 'grace'];
    const answers = await Promise.all(callers.map(async (oid) => ask('{ whoever }', await issuer.token({ oid }))));
    expect(answers).toEqual(callers.map((whoever) => ({ data: { whoever } })));
  });

  it('tells a caller nothing but server_error of a mistake in the set-up, and the developer all', async () => {
    const given = warnings();
    const { ask } = await start(platform);
    expectRefused(await ask('{ misconfigured }', await issuer.token()), 'misconfigured', 'server_error', serverError);
    expectRefused(await ask('{ openCallsProtected }'), 'openCallsProtected', 'server_error', serverError);
    expect(ran).toEqual([]);
    expect(given).toEqual([
      expect.stringContaining('WeatherResolver.misconfigured') as string,
      expect.stringContaining('Orders.remove is protected, and was called without its gate') as string,
    ]);
  });

  it('closes resolvers without a decorator with requireAuth', async () => {
    const { ask } = await start(platform, undefined, { options: { ...issuer.options, requireAuth: true } });
    expectRefused(await ask('{ bare }'), 'bare', ...needsToken);
    expect(ran).toEqual([]);
    expect(await ask('{ bare lifted }', await issuer.token())).toEqual({ data: { bare: 'bare', lifted: 'lifted' } });
    expect(await ask('{ lifted open }')).toEqual({ data: { lifted: 'lifted', open: 'anonymous' } });
  });

  it('gives a check of the application the request as handlers get it', async () => {
    const asked: object[] = [];
    initialize({ ...issuer.options, claimCheck: (_claims, request) => asked.push(request as object) > 0 });
    const { ask } = await start(platform);
    expect(await ask('{ whoever }', await issuer.token({ oid: 'ada' }))).toEqual({ data: { whoever: 'ada' } });
    expect(asked).toHaveLength(1);
    expect('raw' in (asked[0] ?? {})).toBe(platform.platform === 'Fastify');
  });

  it('forwards refusals to a filter of the application, but no message of a mistake without one', async () => {
    warnings();
    initialize({ ...issuer.options, errors: 'forward' });
    const bare = await start(platform);
    expectRefused(
      await bare.ask('{ misconfigured }', await issuer.token()),
      'misconfigured',
      'server_error',
      serverError,
    );
    const { ask } = await start(platform, undefined, { filter: true });
    const answer = await ask('{ whoever }');
    expect(answer.errors?.map(({ message }) => message)).toEqual(['by the application: MissingTokenError']);
    expect(Forwarded.seen).toEqual([expect.any(AuthError)]);
  });
});

describe('what GraphQL asks without arguments', () => {
  it.each([
    ['a reference of a federation', []],
    ['the type of a union', [{ name: 'Order' }]],
  ])('%s is behind its gate', async (_, behind) => {
    const { ask } = await start(platforms[0]);
    await ask('{ information }');
    const { info } = ReferenceResolver;
    const resolver = new ReferenceResolver() as unknown as Readonly<
      Record<string, (...given: unknown[]) => Promise<unknown>>
    >;
    const resolve = async (claims: Readonly<Record<string, unknown>>) => {
      const authorization = `Bearer ${await issuer.token(claims)}`;
      const context = { req: { headers: { authorization }, rawHeaders: ['authorization', authorization] } };
      return resolver['resolveReference']?.({ id: '7' }, context, info, ...behind);
    };
    expect(await resolve({ oid: 'ada', scp: 'orders.read' })).toEqual({ id: '7', oid: 'ada' });
    await expect(resolve({ scp: 'read' })).rejects.toThrow('The access token does not carry the scope');
  });
});

describe('an operation without an HTTP request', () => {
  const [platform] = platforms;
  const upgraded = (token: string) =>
    ({
      headers: { authorization: `Bearer ${token}`, upgrade: 'WebSocket' },
      rawHeaders: ['Authorization', `Bearer ${token}`, 'Upgrade', 'WebSocket'],
    }) as unknown as IncomingMessage;

  it('is refused by a protected resolver: over a WebSocket the token would be checked once for hours', async () => {
    const given = warnings();
    const { schema } = await start(platform);
    const token = await issuer.token({ oid: 'ada' });
    for (const contextValue of [
      undefined,
      {},
      { req: { extra: {}, connectionParams: { authorization: `Bearer ${token}` } } },
      { req: upgraded(token) },
      // A copy, with what the client sent over the socket for its headers.
      { req: { ...(upgraded(token) as object), headers: { authorization: `Bearer ${token}` } } },
      { reply: { request: { raw: upgraded(token) } } },
    ]) {
      const answer = await graphql({ schema, source: '{ whoever open }', contextValue });
      expectRefused(answer, 'whoever', 'server_error', serverError);
      expect(await graphql({ schema, source: '{ open }', contextValue })).toEqual({ data: { open: 'anonymous' } });
      const subscription = await subscribe({ schema, document: parse('subscription { ticks }'), contextValue });
      expectRefused(subscription, 'ticks', 'server_error', serverError);
    }
    expect(ran).toEqual([]);
    expect(new Set(given).size).toBe(2);
    expect(given[0]).toContain(
      'WeatherResolver.whoever is protected, and was reached by graphql without an HTTP request',
    );
  });

  it('runs in a subscription that an HTTP request carries', async () => {
    const { schema } = await start(platform);
    const authorization = `Bearer ${await issuer.token()}`;
    const request = { headers: { authorization }, rawHeaders: ['authorization', authorization] };
    const document = parse('subscription { ticks }');
    const ticks = await subscribe({ schema, document, contextValue: { req: request } });
    expect(Symbol.asyncIterator in ticks).toBe(true);
    const refused = await subscribe({ schema, document, contextValue: { req: { headers: {}, rawHeaders: [] } } });
    expectRefused(refused, 'ticks', ...needsToken);
  });
});
