import { AxeBuilder } from '@axe-core/playwright';
import chromiumBinary from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** A real Chromium from npm, with no system package. Close it in `afterAll`: a browser left over holds 200 MB. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await chromiumBinary.executablePath(),
    // Root cannot start Chromium's own sandbox; only our own pages are opened. The package's own list of arguments is for AWS
    // Lambda: its --single-process ends the browser with the first context, its --disable-web-security hides real faults.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    headless: true,
  });
}

export interface OpenedPage {
  readonly page: Page;
  /** What the page complained about: exceptions and console errors. */
  readonly complaints: readonly string[];
  /** Requests that left the origin under test. */
  readonly strangers: readonly string[];
  close(): Promise<void>;
}

interface OpenOptions {
  readonly locale?: string;
  readonly width?: number;
  readonly height?: number;
}

/** Opens a URL in a context of its own, with the clipboard allowed. */
export async function openPage(browser: Browser, url: string, options: OpenOptions = {}): Promise<OpenedPage> {
  const { locale = 'en-GB', width = 1440, height = 1000 } = options;
  const context: BrowserContext = await browser.newContext({ locale, viewport: { width, height } });
  const { origin } = new URL(url);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  const page = await context.newPage();
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) strangers.push(request.url());
  });
  await page.goto(url);
  return { page, complaints, strangers, close: () => context.close() };
}

/** Violations of WCAG 2.2 A and AA and of axe's best practices, as sentences; empty when there is none. */
export async function accessibilityViolations(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help} ${html}`));
}
