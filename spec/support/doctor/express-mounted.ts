/** An Express app with functions that are mounted at paths: handlers of their own, and middlewares. */
import express, { Router, type ErrorRequestHandler, type RequestHandler } from 'express';
import { RequiresAuth, requiresAuth, requiresScope } from '../../../src/express.js';

const graphql = (): RequestHandler =>
  function graphql(_request, response) {
    response.end();
  };
const cors = (): RequestHandler =>
  function cors(_request, _response, next) {
    next();
  };
const handle: RequestHandler = (_request, response) => {
  response.end();
};
const onError: ErrorRequestHandler = (error, _request, _response, next) => {
  next(error);
};

@RequiresAuth()
class Reports {
  all(_request: unknown, response: { end(): void }) {
    response.end();
  }
}

export const app = express();
app.use(cors());
app.use('/open', cors(), graphql());
app.use('/closed', cors(), requiresAuth(), graphql());
app.use('/reports', Reflect.get(new Reports(), 'all') as never);
app.use('/api', cors());
app.get('/api/cities', requiresScope('cities.read'), handle);
app.use('/api', onError);
app.use(/^\/pattern/, graphql());
app.use('/router', Router().use(cors()).use('/inner', graphql()));
app.use(['/one', '/two'], graphql());
app.use(requiresAuth());
app.use('/late', graphql());
app.use(graphql());
