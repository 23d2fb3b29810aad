/** An app that uses routing-controllers' own `@Authorized()` and `@CurrentUser()`, on each host. */
import { Agent, request as httpRequest } from 'node:http';
import { IsString } from 'class-validator';
import Koa from 'koa';
import 'reflect-metadata';
import {
  Authorized,
  Body,
  CurrentUser,
  Get,
  JsonController,
  Post,
  Req,
  useKoaServer,
  type RoutingControllersOptions,
} from 'routing-controllers';
import {
  authorizationChecker,
  currentUserChecker,
  getTokenClaims,
  RequiresAuth,
  RequiresB2cAuth,
  TokenClaims,
  validateScope,
  type AccessTokenClaims,
  type CheckerOptions,
} from '../../../src/index.js';
import { expressReleases, listen, serve, type Api } from '../../support/api.js';

/** The actions that ran. */
export const ran: string[] = [];

/** What a service finds that is handed no request. */
const callerOfService = () => getTokenClaims().sub;

class Note {
  @IsString()
  text!: string;
}

@JsonController('/existing')
export class ExistingController {
  @Get('/signed-in')
  @Authorized()
  signedIn(@CurrentUser() user: AccessTokenClaims) {
    ran.push('signedIn');
    return { sub: user.sub, frozen: Object.isFrozen(user), inService: callerOfService() };
  }

  @Get('/admin')
  @Authorized(['Admin', 'Owner'])
  admin(@Req() request: object) {
    ran.push('admin');
    return { sub: getTokenClaims(request).sub };
  }

  @Get('/blank-role')
  @Authorized([' '])
  blankRole() {
    ran.push('blankRole');
    return {};
  }

  @Post('/notes')
  @Authorized()
  notes(@Body() note: Note) {
    ran.push('notes');
    return note;
  }

  @Get('/open')
  open(@CurrentUser() user: AccessTokenClaims | undefined) {
    return { user: user ?? 'none' };
  }

  @Get('/helper')
  @Authorized()
  async helper() {
    await Promise.resolve();
    validateScope('write');
    return {};
  }

  @Get('/broken')
  @Authorized()
  broken() {
    throw new TypeError('of the application');
  }

  @Get('/gated')
  @RequiresAuth()
  @Authorized('Admin')
  gated(@CurrentUser() user: AccessTokenClaims, @TokenClaims('sub') sub: string) {
    ran.push('gated');
    return { sub: [user.sub, sub] };
  }

  @Get('/decorated')
  @RequiresAuth()
  decorated(@CurrentUser({ required: true }) user: AccessTokenClaims) {
    return { sub: user.sub };
  }

  @Get('/gated-b2c')
  @RequiresB2cAuth()
  @Authorized()
  gatedB2c(@CurrentUser() user: AccessTokenClaims) {
    ran.push('gatedB2c');
    return { sub: user.sub };
  }
}

export type AppOptions = Pick<
  RoutingControllersOptions,
  'authorizationChecker' | 'currentUserChecker' | 'defaultErrorHandler'
> & {
  /** Default: the {@link ExistingController}. */
  readonly controllers?: NonNullable<RoutingControllersOptions['controllers']>;
};

export const checkers = (options?: CheckerOptions): AppOptions => ({
  authorizationChecker: authorizationChecker(options),
  currentUserChecker: currentUserChecker(),
});

interface KoaExtras {
  readonly around?: Koa.Middleware;
  readonly errors?: unknown[];
}

export function serveKoa(options: AppOptions, { around, errors = [] }: KoaExtras = {}): Promise<Api> {
  const app = new Koa();
  app.on('error', (error: unknown) => errors.push(error));
  if (around !== undefined) app.use(around);
  useKoaServer(app, { controllers: [ExistingController], ...options });
  const handle = app.callback();
  return listen((request, response) => void handle(request, response));
}

interface HostCase {
  readonly host: string;
  readonly start: (options: AppOptions) => Promise<Api>;
}

export const hosts: readonly HostCase[] = [
  ...expressReleases.map(({ release, express: ofRelease }) => ({
    host: release,
    start: ({ controllers = [ExistingController], ...options }: AppOptions) =>
      serve(controllers, { ...options, express: ofRelease }),
  })),
  { host: 'Koa', start: (options) => serveKoa(options) },
];

export async function withApi(starting: Promise<Api>, use: (api: Api) => Promise<void>): Promise<void> {
  const api = await starting;
  try {
    await use(api);
  } finally {
    await api.close();
  }
}

/** Sends a request on the one connection of an agent. */
export function callOn(agent: Agent, url: string): Promise<{ status: number | undefined; reused: boolean }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { agent });
    outgoing.on('error', reject).on('response', (response) => {
      response.resume().on('end', () => {
        resolve({ status: response.statusCode, reused: outgoing.reusedSocket });
      });
    });
    outgoing.end();
  });
}
