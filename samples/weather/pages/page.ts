/** Steps through the cases: signs in, calls the API, and shows the answer and the claims of the token. */
import type { PageSettings } from './serve-pages.js';
import { cases, claimMeanings, type Case } from './cases.js';
import { claimsRequestIn, openAccounts, type Caller } from './sign-in.js';

function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element ${id}.`);
  return element;
}

function show(id: string, text: string): void {
  find(id).textContent = text;
}

function create(name: string, text: string): HTMLElement {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

function showStatus(id: string, status: number): void {
  const element = find(id);
  element.textContent = `${String(status)} ${reasons[status] ?? ''}`.trim();
  element.dataset['outcome'] = status < 400 ? 'allowed' : status < 500 ? 'refused' : 'failed';
}

/** Decodes a part of a token to show it. The page decides nothing by it, because only the API checks the signature. */
function decodePart(token: string, part: 0 | 1): Record<string, unknown> {
  const base64 = (token.split('.')[part] ?? '').replaceAll('-', '+').replaceAll('_', '/');
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}

function claimText(name: string, value: unknown): string {
  if (typeof value === 'number' && ['iat', 'nbf', 'exp'].includes(name)) {
    return new Date(value * 1000).toLocaleTimeString();
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

// The claims that access depends on come first.
const claimOrder = ['scp', 'roles', 'acrs', 'aud', 'iss', 'tid', 'tfp', 'acr', 'oid', 'exp'];

function showClaims(caller: Caller | undefined): void {
  find('claims-none').hidden = caller !== undefined;
  find('claims-table').hidden = caller === undefined;
  if (caller === undefined) return;
  const place = (name: string) => (claimOrder.includes(name) ? claimOrder.indexOf(name) : claimOrder.length);
  const claims = Object.entries(decodePart(caller.token, 1)).sort(([a], [b]) => place(a) - place(b));
  const rows = claims.map(([name, value]) => {
    const row = document.createElement('tr');
    const heading = create('th', name);
    heading.setAttribute('scope', 'row');
    row.append(heading, create('td', claimText(name, value)), create('td', claimMeanings[name] ?? ''));
    return row;
  });
  find('claims').replaceChildren(...rows);
  show('key-id', String(decodePart(caller.token, 0)['kid']));
}

function forgetAnswer(): void {
  find('answer').hidden = true;
  find('answer-none').hidden = false;
}

/** @returns the claims request, where the answer is a claims challenge */
async function call({ path, expected, why }: Case, caller: Caller | undefined): Promise<string | undefined> {
  const response = await fetch(path, { headers: caller ? { Authorization: `Bearer ${caller.token}` } : {} });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  showStatus('answer-status', response.status);
  const challenge = response.headers.get('www-authenticate');
  const claims = claimsRequestIn(challenge);
  const isExpected = response.status === expected;
  const otherwise =
    claims === undefined ? `where this case expects ${String(expected)}` : 'until the token has more claims';
  show('answer-verdict', isExpected ? 'as expected' : otherwise);
  show('answer-why', isExpected ? why : '');
  show('answer-challenge', challenge ?? 'none');
  find('claims-request').hidden = claims === undefined;
  show('claims-request-text', claims ?? '');
  show('answer-body', isJson ? JSON.stringify(JSON.parse(text), null, 2) : text);
  find('answer').hidden = false;
  find('answer-none').hidden = true;
  return claims;
}

function showProblem(problem: unknown): void {
  const element = find('problem');
  element.hidden = false;
  element.textContent = problem instanceof Error ? problem.message : String(problem);
}

async function callLocalIssuer(method: string, path: string, body: object): Promise<void> {
  const response = await fetch(`/local-issuer/${path}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`The local issuer answered ${String(response.status)}.`);
}

async function start(): Promise<void> {
  const settings = (await (await fetch('/settings.json')).json()) as PageSettings;
  const offered = cases.filter(
    ({ scheme, callsWarnings }) =>
      (scheme === undefined || settings[scheme] !== undefined) && (callsWarnings !== true || settings.callsWarnings),
  );
  const { accounts, arrival } = await openAccounts(settings);
  let current = offered.find(({ id }) => id === (arrival?.state ?? location.hash.slice(1))) ?? offered[0];

  const accountOf = ({ scheme }: Case) => scheme && accounts[scheme];

  /** Does the work, marks the page as busy meanwhile, and shows the error if it fails. */
  function act(work: () => Promise<void>): void {
    find('problem').hidden = true;
    const main = document.querySelector('main');
    main?.setAttribute('aria-busy', 'true');
    work()
      .catch(showProblem)
      .finally(() => {
        main?.setAttribute('aria-busy', 'false');
      });
  }

  function render(): void {
    if (current === undefined) return;
    const { id, title, who, decorators, path, scheme, localPerson, expected } = current;
    const caller = accountOf(current)?.caller;
    for (const button of document.querySelectorAll<HTMLElement>('#cases button')) {
      button.setAttribute('aria-current', button.dataset['case'] === id ? 'step' : 'false');
    }
    show('case-title', title);
    show('case-who', settings.isLocal && localPerson !== undefined ? `${who} Here: ${localPerson}.` : who);
    show('case-decorators', decorators);
    show('case-request', `GET ${path}`);
    showStatus('case-expected', expected);
    show('case-caller', scheme === undefined ? 'no one' : (caller?.name ?? 'no one yet'));
    find('send').hidden = scheme !== undefined && caller === undefined;
    find('sign-in').hidden = scheme === undefined;
    find('sign-in').classList.toggle('primary', caller === undefined);
    show('sign-in', caller === undefined ? 'Sign in and send' : 'Sign in as somebody else');
    find('sign-out').hidden = caller === undefined;
    find('renew').toggleAttribute('disabled', caller === undefined);
    showClaims(caller);
  }

  let claimsRequest: string | undefined;

  async function send(): Promise<void> {
    if (current !== undefined) claimsRequest = await call(current, accountOf(current)?.caller);
  }

  function choose(chosen: Case): void {
    current = chosen;
    history.replaceState(null, '', `#${chosen.id}`);
    find('problem').hidden = true;
    forgetAnswer();
    render();
    find('case-title').focus({ preventScroll: true });
  }

  find('cases').replaceChildren(
    ...offered.map((offer) => {
      const item = document.createElement('li');
      const button = create('button', offer.title);
      button.dataset['case'] = offer.id;
      button.setAttribute('type', 'button');
      button.addEventListener('click', () => {
        choose(offer);
      });
      item.append(button);
      return item;
    }),
  );
  find('send').addEventListener('click', () => {
    act(send);
  });
  find('sign-in').addEventListener('click', () => {
    act(async () => {
      if (current !== undefined) await accountOf(current)?.signIn(current.id);
    });
  });
  find('meet').addEventListener('click', () => {
    act(async () => {
      if (current === undefined || claimsRequest === undefined) return;
      await accountOf(current)?.meet(claimsRequest, current.id);
    });
  });
  find('sign-out').addEventListener('click', () => {
    act(async () => {
      if (current !== undefined) await accountOf(current)?.signOut();
      forgetAnswer();
      render();
    });
  });

  find('controls').hidden = !settings.isLocal;
  if (settings.isLocal) {
    const clock = find('clock') as HTMLInputElement;
    const setClock = async () => {
      await callLocalIssuer('PUT', 'clock', { aheadMinutes: clock.checked ? 120 : 0 });
    };
    clock.addEventListener('change', () => {
      act(async () => {
        await setClock();
        show('happened', clock.checked ? 'The clock is two hours ahead.' : 'The clock is right.');
      });
    });
    let rotations = 0;
    find('rotate').addEventListener('click', () => {
      act(async () => {
        await callLocalIssuer('POST', 'keys', {});
        show('happened', `New tokens are signed with a new key (${String(++rotations)}).`);
      });
    });
    find('renew').addEventListener('click', () => {
      act(async () => {
        if (current !== undefined) await accountOf(current)?.renew();
        show('happened', 'There is a new token.');
        render();
      });
    });
    // A reload or a sign-in unchecks the box, so the clock is set back too.
    clock.checked = false;
    await setClock();
  }

  // After a sign-in the address no longer names the case.
  if (current !== undefined) history.replaceState(null, '', `#${current.id}`);
  render();
  document.querySelector('main')?.setAttribute('aria-busy', 'false');
  if (arrival?.problem !== undefined) showProblem(arrival.problem);
  else if (arrival !== undefined) act(send);
}

start().catch(showProblem);
