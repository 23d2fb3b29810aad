// The whole gate in a loop, without a network: the Express middleware, called with a bare request and response.

/**
 * @param middleware - of the package's Express entry, with a configuration that answers refusals
 * @returns a function that lets the gate judge a token, or the header with it. It returns where the gate decides at once, and a promise where it
 *   does not; a refusal is thrown.
 */
export function gateOf(middleware) {
  return (token, authorization = `Bearer ${token}`) => {
    const request = { headers: { authorization }, rawHeaders: ['Authorization', authorization] };
    let verdict;
    let settle;
    const decide = (passes) => {
      verdict = passes;
      settle?.();
    };
    const check = () => {
      if (!verdict) throw new Error('refused');
    };
    const response = {
      setHeader: () => response,
      removeHeader: () => undefined,
      end: () => decide(false),
    };
    middleware(request, response, (error) => decide(error === undefined));
    if (verdict !== undefined) return check();
    return new Promise((resolve) => (settle = resolve)).then(check);
  };
}

/** Whether a verification has to be awaited. What answers at once is not made to wait. */
export function isPending(outcome) {
  return typeof outcome?.then === 'function';
}
