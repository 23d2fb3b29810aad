/** The weather sample in its own process, and a browser that shows its page. Each spec file has its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

interface Sample {
  readonly process: ChildProcess;
  readonly origin: string;
}

let sample: Sample;
/** Of the page. */
export let origin: string;
let browser: Browser;

export async function startSample(): Promise<Sample> {
  const variables = Object.entries(process.env).filter(([name]) => !/^AzureAd|^DownstreamApis|^REDIS_URL$/.test(name));
  const started = spawn(process.execPath, ['samples/weather/dist/main.js'], {
    env: { ...Object.fromEntries(variables), PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(started.stdout)) {
    const [, port] = /^Listening on \S+:(\d+)\./.exec(line) ?? [];
    if (port !== undefined) return { process: started, origin: `http://localhost:${port}` };
  }
  throw new Error('The sample ended before it listened.');
}

export async function stop(sample: Sample): Promise<void> {
  const ended = once(sample.process, 'exit');
  sample.process.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}

beforeAll(async () => {
  sample = await startSample();
  origin = sample.origin;
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
});

afterAll(async () => {
  await browser.close();
  await stop(sample);
});

export let context: BrowserContext;
export let page: Page;
let complaints: string[];
let strangers: string[];

beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1100, height: 1000 }, reducedMotion: 'reduce' });
  context.setDefaultTimeout(8_000);
  complaints = [];
  strangers = [];
  context.on('console', (message) => {
    // Chromium reports every answer of 400 and above; those of the API are what the page is there to show.
    const isRefusal = new URL(message.location().url || origin).pathname.startsWith('/api/');
    if (['error', 'warning'].includes(message.type()) && !isRefusal) complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!['localhost', '127.0.0.1'].includes(hostname) && protocol !== 'data:') strangers.push(request.url());
  });
  page = await context.newPage();
});

afterEach(async () => {
  await page.request.put(`${origin}/local-issuer/clock`, { data: { aheadMinutes: 0 } });
  await context.close();
  expect(complaints).toEqual([]);
  expect(strangers).toEqual([]);
});

/** @param at - the origin of another start of the sample */
export const visit = async (at = origin) => {
  await page.goto(`${at}/`);
  await page.waitForSelector('main[aria-busy="false"]');
};
export const chooseCase = (title: string) => page.getByRole('navigation', { name: 'Cases' }).getByText(title).click();
export const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

/** Signs in, and waits for the answer that the page then shows. */
export async function signInAs(person: string, button = 'Sign in and send'): Promise<void> {
  await press(button);
  await page.getByRole('heading', { name: 'Pick a person' }).waitFor();
  await page.getByRole('button', { name: person }).click();
  await page.locator('#answer').waitFor();
}

export async function send(): Promise<void> {
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname.startsWith('/api/'));
  await press('Send');
  await answered;
  await page.waitForSelector('main[aria-busy="false"]');
}

export const status = () => page.locator('#answer-status').textContent();
export const challenge = () => page.locator('#answer-challenge').textContent();
export const body = async () => JSON.parse((await page.locator('#answer-body').textContent()) ?? '') as unknown;
export const keyId = () => page.locator('#key-id').textContent();

export async function claim(name: string): Promise<string | undefined> {
  const rows = await page.locator('#claims tr').all();
  for (const row of rows) {
    const heading = await row.locator('th').textContent();
    if (heading === name) return (await row.locator('td').first().textContent()) ?? undefined;
  }
  return undefined;
}
