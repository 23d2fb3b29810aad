/** The web site that `npm run site` builds, in a browser, wide and on a phone. Screenshots are in `site/screenshots`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const site = join(root, 'site');
const screenshots = join(site, 'screenshots');
let browser: Browser;

beforeAll(async () => {
  execFileSync('npm', ['run', '--silent', 'site'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  mkdirSync(screenshots, { recursive: true });
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
}, 240_000);

afterAll(() => browser.close());

const documents = () => readdirSync(join(site, 'documents')).map((name) => `documents/${name}`);

describe.each([
  { device: 'a desk', width: 1280, height: 900 },
  { device: 'a phone', width: 390, height: 844 },
])('on $device', ({ width, height }) => {
  let context: BrowserContext;
  let page: Page;
  const strangers: string[] = [];

  const open = (path: string) => page.goto(pathToFileURL(join(site, path)).href);

  beforeAll(async () => {
    context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' });
    context.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) strangers.push(request.url());
    });
    page = await context.newPage();
  });

  afterAll(async () => {
    await context.close();
    expect(strangers).toEqual([]);
  });

  it('no page is wider than the window, and each has one heading', async () => {
    const found: object[] = [];
    for (const path of ['index.html', ...documents()]) {
      await open(path);
      const scrolledTo = await page.evaluate<number>('scrollTo(1000, 0), scrollX');
      const headings = await page.locator('h1').count();
      if (scrolledTo !== 0 || headings !== 1) found.push({ path, scrolledTo, headings });
    }
    expect(found).toEqual([]);
  });

  it('a long table scrolls by itself', async () => {
    await open('documents/Reference.html');
    const table = page.locator('table', { hasText: 'clockToleranceSeconds' });
    await table.scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(screenshots, `reference-${String(width)}.png`) });
    const [own, shown] = await page.evaluate<[number, number]>(
      "[...document.querySelectorAll('table')].filter(({ textContent }) => textContent.includes('clockToleranceSeconds')).flatMap(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])",
    );
    expect(shown).toBeLessThanOrEqual(width);
    if (width < 500) expect(own).toBeGreaterThan(shown);
  });

  it('shows the README, and finds a page by a word in it', async () => {
    await open('index.html');
    await page.screenshot({ path: join(screenshots, `index-${String(width)}.png`) });
    await page.keyboard.press('Control+k');
    await page.locator('#tsd-search-input').fill('AADSTS');
    await page.locator('#tsd-search-results a').first().waitFor();
    await page.screenshot({ path: join(screenshots, `search-${String(width)}.png`) });
    expect(await page.locator('#tsd-search-results').textContent()).toContain('The doctor');
  });
});

describe('the list of pages', () => {
  it('has the order of the README', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(pathToFileURL(join(site, 'index.html')).href);
    const links = page.locator('#tsd-nav-container a[href*="documents/"]');
    await links.first().waitFor({ state: 'attached' });
    const addresses = await Promise.all((await links.all()).map((link) => link.getAttribute('href')));
    const shown = addresses.map(
      (address) =>
        decodeURI(address ?? '')
          .split('/')
          .at(-1) ?? '',
    );
    await page.close();
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const more = readme.slice(readme.indexOf('\n## More\n'));
    const named = [...more.matchAll(/docs\/([\w-]+)\.md/g)].map(([, name = '']) => {
      const [, heading = ''] = /^# (.+)$/m.exec(readFileSync(join(root, 'docs', `${name}.md`), 'utf8')) ?? [];
      return `${heading.replaceAll('`', '').replace(/[^\p{L}\p{N}.,-]/gu, '_')}.html`;
    });
    // A page that the README names again stands where it is named first.
    expect(shown).toEqual([...new Set(named)]);
    expect([...shown].sort()).toEqual(readdirSync(join(site, 'documents')).sort());
  });
});
