// A headless Chromium, Debian's, driven by playwright-core. It starts with an empty profile each time.

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { encrypted } from './launch.mjs';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));

// Without these Chromium looks for hosts of its own at every start.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  ...(encrypted ? ['--ignore-certificate-errors'] : []),
];

export function startBrowser() {
  return chromium.launch({ executablePath, headless: true, args });
}

// photograph saves a picture of a page in e2e/artifacts, which is not committed.
export async function photograph(page, name) {
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: join(artifacts, `${name}.png`) });
}
