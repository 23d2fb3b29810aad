/** Steps through the cases: signs in, calls the API, and shows the answer and the claims of the token. */
import type { PageSettings } from './serve-pages.js';
import { call, forgetAnswer } from './answer-card.js';
import { cases, type Case } from './cases.js';
import { showClaims } from './claims-card.js';
import { create, find, show, showStatus } from './elements.js';
import { openAccounts, type Caller } from './sign-in.js';

/** A command that sends the same request. A token and the path of a case have nothing to escape in quotes. */
function curlCommand({ path }: Case, caller: Caller | undefined): string {
  const authorization = caller === undefined ? '' : ` -H 'Authorization: Bearer ${caller.token}'`;
  // An answer does not end in a line break.
  return String.raw`curl -si${authorization} '${location.origin}${path}' -w '\n'`;
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

const signedOutText = (scheme: Case['scheme']) =>
  scheme === undefined
    ? "This case sends no token. Choose one that does, to set the API's clock ahead, rotate the signing keys or get a new token."
    : "No one is signed in for this case. Sign in, to set the API's clock ahead, rotate the signing keys or get a new token.";

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
      const isCurrent = button.dataset['case'] === id;
      button.setAttribute('aria-current', isCurrent ? 'step' : 'false');
      // On a phone the cases are one row, wider than the page.
      if (isCurrent) button.scrollIntoView({ block: 'nearest', inline: 'center' });
    }
    show('case-title', title);
    show('case-who', settings.isLocal && localPerson !== undefined ? `${who} Here: ${localPerson}.` : who);
    show('case-decorators', decorators);
    show('case-request', `GET ${path}`);
    showStatus('case-expected', expected);
    show('case-caller', scheme === undefined ? 'no one' : (caller?.name ?? 'no one yet'));
    const isReady = scheme === undefined || caller !== undefined;
    find('send').hidden = !isReady;
    find('copy-curl').hidden = !isReady;
    find('sign-in').hidden = scheme === undefined;
    find('sign-in').classList.toggle('primary', caller === undefined);
    show('sign-in', caller === undefined ? 'Sign in and send' : 'Sign in as somebody else');
    find('sign-out').hidden = caller === undefined;
    find('controls-none').hidden = caller !== undefined;
    find('controls-list').hidden = caller === undefined;
    show('controls-none', signedOutText(scheme));
    for (const copied of ['copied-curl', 'copied-token']) show(copied, '');
    showClaims(caller);
  }

  function empty(): void {
    if (current !== undefined) forgetAnswer(current, accountOf(current)?.caller, settings.isLocal);
  }

  let claimsRequest: string | undefined;

  async function send(): Promise<void> {
    if (current !== undefined) claimsRequest = await call(current, accountOf(current)?.caller);
  }

  function choose(chosen: Case): void {
    current = chosen;
    history.replaceState(null, '', `#${chosen.id}`);
    find('problem').hidden = true;
    render();
    empty();
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
      render();
      empty();
      show('happened', '');
      // The button that had the focus is no longer there.
      find('sign-in').focus();
    });
  });
  for (const what of ['curl', 'token'] as const) {
    find(`copy-${what}`).addEventListener('click', () => {
      act(async () => {
        if (current === undefined) return;
        const caller = accountOf(current)?.caller;
        await navigator.clipboard.writeText(what === 'token' ? (caller?.token ?? '') : curlCommand(current, caller));
        show(`copied-${what}`, 'Copied.');
      });
    });
  }

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
  empty();
  document.querySelector('main')?.setAttribute('aria-busy', 'false');
  if (arrival?.problem !== undefined) showProblem(arrival.problem);
  else if (arrival !== undefined) act(send);
}

start().catch(showProblem);
