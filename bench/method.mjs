// What a protected method costs beside the same method without a decorator: inside the request that its gate let in for
// just that, in a request that was let in for something else, and the first time it is called in such a request.
import { createMicrosoftIdentity } from '../dist/esm/express.js';
import { startTestIssuer } from '../dist/esm/testing.js';
import { readFlags } from './support/flags.mjs';
import { printMachine } from './support/machine.mjs';
import { medianDifference } from './support/statistics.mjs';
import { printTable } from './support/table.mjs';

const flags = readFlags({ rounds: 9, calls: 500_000, requests: 20_000 });
printMachine([]);
const issuer = await startTestIssuer();
const { requiresAuth, RequiresAuth, RequiresRole, ready } = createMicrosoftIdentity(issuer.options);
await ready();
const token = await issuer.token({ roles: ['Admin'] });

class Reports {
  list(city) {
    return city;
  }

  remove(city) {
    return city;
  }

  plain(city) {
    return city;
  }
}
const decorate = (decorator, name) => {
  const descriptor = Object.getOwnPropertyDescriptor(Reports.prototype, name);
  decorator(Reports.prototype, name, descriptor);
};
decorate(RequiresAuth(), 'list');
decorate(RequiresRole('Admin'), 'remove');
const reports = new Reports();

/** Runs code in a request that `requiresAuth()` lets in. */
function inRequest(work) {
  const request = { headers: { authorization: `Bearer ${token}` } };
  const response = { setHeader: () => response, removeHeader: () => undefined, end: () => undefined };
  return new Promise((resolve, reject) => {
    requiresAuth()(request, response, (error) => (error === undefined ? resolve(work()) : reject(error)));
  });
}

/** Microseconds of one call, in a loop. */
function perCall(name) {
  const start = process.hrtime.bigint();
  for (let call = 0; call < flags.calls; call++) reports[name]('Oslo');
  return Number(process.hrtime.bigint() - start) / 1_000 / flags.calls;
}

/** Microseconds of the first call in a request. */
async function firstCall(name) {
  let spent = 0n;
  for (let request = 0; request < flags.requests; request++) {
    await inRequest(() => {
      const start = process.hrtime.bigint();
      reports[name]('Oslo');
      spent += process.hrtime.bigint() - start;
    });
  }
  return Number(spent) / 1_000 / flags.requests;
}

const rows = { plain: [], list: [], remove: [], 'plain, once a request': [], 'remove, once a request': [] };
for (let round = 0; round < flags.rounds; round++) {
  await inRequest(() => {
    for (const name of ['plain', 'list', 'remove']) rows[name].push(perCall(name));
  });
  for (const name of ['plain', 'remove']) rows[`${name}, once a request`].push(await firstCall(name));
}
await issuer.close();

printTable(
  'What a protected method adds to a call, in microseconds (medians)',
  ['the method requires', 'added'],
  [
    ['what the request was let in for, or less', medianDifference(rows.list, rows.plain)],
    ['more, and was called before in the request', medianDifference(rows.remove, rows.plain)],
    [
      'more, and is called for the first time',
      medianDifference(rows['remove, once a request'], rows['plain, once a request']),
    ],
  ],
);
