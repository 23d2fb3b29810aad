// Self time in a CPU profile, by function and by package.

const ours = 'microsoft-identity-decorators';
const notBusy = new Set(['(idle)', '(root)']);

function packageOf({ functionName, url }) {
  if (url.startsWith('node:')) return 'node';
  const installed = url.lastIndexOf('/node_modules/');
  if (installed !== -1) {
    const [first, second] = url.slice(installed + '/node_modules/'.length).split('/');
    return first.startsWith('@') ? `${first}/${second}` : first;
  }
  if (url.includes('/dist/esm/')) return ours;
  if (url !== '') return 'bench';
  return functionName.startsWith('(') ? functionName : 'native';
}

function nameOf({ functionName, url, lineNumber }) {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  return `${name}  ${url.replace(/^.*\/(?:node_modules|dist\/esm)\//, '').replace(/^file:.*\/bench\//, '')}:${lineNumber + 1}`;
}

function sorted(times) {
  return [...times.values()].sort((a, b) => b.micros - a.micros);
}

// What we call and what others call too: its time is that of the caller.
const called = new Set(['node', 'native', 'jose', 'lru.min', '(garbage collector)', '(program)']);

/** Which of our functions a stack works for, if any; jose and WebCrypto are ours to answer for after an await too. */
function causeOf(node, parents) {
  let resumed;
  for (let current = node; current !== undefined; current = parents.get(current.id)) {
    const frame = current.callFrame;
    const owner = packageOf(frame);
    if (owner === ours) return nameOf(frame);
    if (owner === '(root)') break;
    if (!called.has(owner)) return undefined;
    if (owner === 'jose') resumed = '(jose, after an await)';
    else if (frame.url.startsWith('node:internal/crypto/')) resumed ??= '(WebCrypto, after an await)';
  }
  return resumed;
}

/**
 * @returns microseconds by function, by package, and by those of our functions that caused them, the longest first;
 *   and those that were not idle
 */
export function selfTimes({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])));
  const functions = new Map();
  const packages = new Map();
  const causes = new Map();
  let busy = 0;
  const add = (times, name, micros) => {
    const entry = times.get(name) ?? { name, micros: 0 };
    entry.micros += micros;
    times.set(name, entry);
  };
  samples.forEach((id, index) => {
    const node = byId.get(id);
    if (notBusy.has(node.callFrame.functionName)) return;
    // A delta is the time since the sample before.
    const micros = timeDeltas[index + 1] ?? 0;
    busy += micros;
    add(functions, nameOf(node.callFrame), micros);
    add(packages, packageOf(node.callFrame), micros);
    const cause = causeOf(node, parents);
    if (cause !== undefined) add(causes, cause, micros);
  });
  return { functions: sorted(functions), packages: sorted(packages), causes: sorted(causes), busy };
}
