// Debian's chromium, and pages of a directory in it.

import { chromium } from "playwright-core";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

export const address = (name) => pathToFileURL(join(process.env.PAGES, name)).href;
