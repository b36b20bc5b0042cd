// A picture of a page: node screenshot.mjs PAGE OUT.png [WIDTH HEIGHT [light|dark [full]]]

import { pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

const [page, out, width = 1280, height = 960, colorScheme = "light", extent] = process.argv.slice(2);
const browser = await launch();
const context = await browser.newContext({
  viewport: { width: Number(width), height: Number(height) },
  deviceScaleFactor: 1.5,
  colorScheme,
});
const tab = await context.newPage();
await tab.goto(pathToFileURL(page).href);
const rule = tab.locator(".side .rule.exact[data-to]").nth(1);
if (await rule.count()) await rule.hover();
if (out.endsWith(".pdf")) await tab.pdf({ path: out, format: "A4" });
else await tab.screenshot({ path: out, fullPage: extent === "full" });
await browser.close();
