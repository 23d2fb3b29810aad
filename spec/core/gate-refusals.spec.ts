import { afterEach, describe, expect, it } from 'vitest';
import { InvalidRequestError, InvalidTokenError, MissingTokenError } from '../../src/core/errors.js';
import { invalidRequest, invalidToken, missingToken } from '../../src/core/gate-refusals.js';

const { stackTraceLimit } = Error;

afterEach(() => {
  Object.defineProperty(Error, 'stackTraceLimit', { value: stackTraceLimit, writable: true });
});

const refusals: readonly [string, () => Error, Error][] = [
  ['missingToken', missingToken, new MissingTokenError()],
  ['invalidRequest', () => invalidRequest(undefined), new InvalidRequestError()],
  ['invalidToken', () => invalidToken('expired'), new InvalidTokenError('expired')],
];

describe.each(refusals)('%s', (_, create, same) => {
  it('is the error of that name, without a stack', () => {
    const error = create();
    expect(error).toStrictEqual(same);
    expect(error.constructor).toBe(same.constructor);
    expect(same.stack).toMatch(/\n +at /);
    expect(error.stack).not.toMatch(/\n +at /);
  });

  it('leaves the stacks of other errors as they were', () => {
    create();
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    expect(new Error('other').stack).toMatch(/\n +at /);
  });

  it('is created where an application froze the limit, with a stack', () => {
    Object.defineProperty(Error, 'stackTraceLimit', { value: 5, writable: false });
    expect(create().stack).toMatch(/\n +at /);
    expect(Error.stackTraceLimit).toBe(5);
  });
});
