import type { ErrorRequestHandler } from 'express';

interface ClientError {
  readonly message: string;
  /** Of routing-controllers. */
  readonly httpCode?: number;
  /** Of Express and its body parser. */
  readonly status?: number;
  /** Of class-validator. */
  readonly errors?: readonly { readonly constraints?: Readonly<Record<string, string>> }[];
}

/**
 * Answers errors as JSON. The default handler of routing-controllers answers, and passes the error on as well: Express
 * then logs it and closes the connection. Refused tokens do not come here, because the gate answers them itself.
 */
export const answerError: ErrorRequestHandler = (error: ClientError, _request, response, next) => {
  const status = error.httpCode ?? error.status ?? 500;
  if (response.headersSent || status >= 500) {
    next(error);
    return;
  }
  const errors = error.errors?.flatMap(({ constraints }) => Object.values(constraints ?? {}));
  response.status(status).json({ message: error.message, ...(errors && { errors }) });
};
