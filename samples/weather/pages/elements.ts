/** Finds, fills and creates elements of the page. */

export function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element ${id}.`);
  return element;
}

export function show(id: string, text: string): void {
  find(id).textContent = text;
}

export function create(name: string, text: string): HTMLElement {
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

export function showStatus(id: string, status: number): void {
  const element = find(id);
  element.textContent = `${String(status)} ${reasons[status] ?? ''}`.trim();
  element.dataset['outcome'] = status < 400 ? 'allowed' : status < 500 ? 'refused' : 'failed';
}
