// Counts, and what is printed of them at the end.
export class Report {
  sent = 0;
  wrong = 0;
  hangs = 0;
  errors = 0;
  steadyRequests = 0;
  steadyMs = 0;
  #examples = new Map();
  #kinds = new Map();
  #serverErrors = new Map();
  #alternatives = new Map();
  #memory = [];

  /** An answer, or the lack of one; `allowed` holds the statuses it may have. */
  add(request, answer, allowed, phase, isBetween, fault) {
    this.sent++;
    if (answer.hang) this.hangs++;
    else if (answer.error !== undefined) this.errors++;
    const { status } = answer;
    const place = isBetween ? `turning into '${phase}'` : `in '${phase}'`;
    if (answer.hang || answer.error !== undefined || !allowed.has(status) || fault !== undefined) {
      if (status !== undefined) this.wrong++;
      const got = answer.hang ? 'no answer' : (answer.error ?? `${status}${fault === undefined ? '' : `, ${fault}`}`);
      count(this.#examples, `${place}: ${request.kind}: got ${got}, not ${[...allowed].join(' or ')}`);
    }
    count(this.#kinds, `${request.kind} -> ${status ?? 'none'}`);
    if (status >= 500) count(this.#serverErrors, `${status} ${codeOf(answer.text)}, ${place}`);
    if (isBetween && allowed.size > 1) {
      count(this.#alternatives, `${request.kind}: ${[...allowed].sort().join(' or ')}`);
    }
  }

  addMemory({ rss, heapUsed }) {
    this.#memory.push({ requests: this.sent, rss, heapUsed });
  }

  get failed() {
    return this.wrong + this.hangs + this.errors > 0;
  }

  print({ seconds, delays, latencies, connections, phases, virtualHours, ready }) {
    const rss = this.#growth('rss');
    const heap = this.#growth('heapUsed');
    const sorted = latencies.sort((a, b) => a - b);
    const latency = (share) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
    const first = this.#memory[0]?.rss ?? 0;
    const last = this.#memory.at(-1)?.rss ?? 0;
    print('requests sent', this.sent);
    print('wrong answers', this.wrong);
    print('hangs', this.hangs);
    print('connection errors', this.errors);
    print('connections opened', connections);
    print('phases', `${phases}, ${virtualHours.toFixed(1)} hours of the API's clock in ${seconds.toFixed(0)} s`);
    print('documents the issuer was asked for', `${ready.metadata} metadata, ${ready.keys} key sets`);
    print('throughput', `${Math.round((this.steadyRequests / this.steadyMs) * 1000)} requests/s, within phases`);
    print('latency, ms', `p50 ${latency(0.5)}, p99 ${latency(0.99)}, max ${latency(1)}`);
    print('event-loop delay, ms', `p50 ${delays.p50}, p99 of the worst phase ${delays.p99}, max ${delays.max}`);
    print('RSS', `${megabytes(first)} MB at the start, ${megabytes(last)} MB at the end`);
    print('RSS slope', `${rss} MB per 10,000 requests, after warm-up`);
    print('heap slope', `${heap} MB per 10,000 requests, after warm-up, each measured after a collection`);
    printAll('answers', this.#kinds);
    printAll('5xx, by cause', this.#serverErrors);
    printAll('allowed alternatives while a phase turned into the next', this.#alternatives);
    if (this.#examples.size > 0) printAll('WRONG', this.#examples);
  }

  /** The least-squares slope over the samples after the first third of the requests. */
  #growth(member) {
    const samples = this.#memory.filter(({ requests }) => requests >= this.sent / 3);
    const mean = (of) => samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
    const x = mean(({ requests }) => requests);
    const y = mean((sample) => sample[member]);
    const covariance = mean((sample) => (sample.requests - x) * (sample[member] - y));
    const variance = mean(({ requests }) => (requests - x) ** 2);
    return variance === 0 ? 'unknown' : ((covariance / variance) * 1e4 * 1e-6).toFixed(3);
  }
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);
const print = (name, value) => console.log(`${name.padEnd(36)}${value}`);

function printAll(title, counts) {
  console.log(`\n${title}:`);
  for (const [name, number] of [...counts].sort(([a], [b]) => a.localeCompare(b))) {
    console.log(`  ${String(number).padStart(7)}  ${name}`);
  }
}

function codeOf(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return 'without a code';
  }
}
