// What the pages promise, in a real browser. PAGES names their directory.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { address, launch } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ALL = ["report.html", "replay.html", "hostile.html", "index.html", "batch/index.html", "batch/ann/report.html"];

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

// Opens a page; whatever the browser complains of fails the test.
async function open(t, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (message) => page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) page.complaints.push(request.url());
  });
  await page.goto(address(name));
  return page;
}

for (const name of ALL) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${name} is accessible, ${colorScheme}`, async (t) => {
      const page = await open(t, name, { colorScheme });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200) + node.failureSummary).join("\n")}`);
      assert.deepEqual(found, []);
      assert.deepEqual(page.complaints, []);
    });
  }

  test(`${name} fits a phone`, async (t) => {
    const page = await open(t, name, { viewport: { width: 360, height: 740 } });
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= window, `${content} wide on ${window}`);
  });

  test(`${name} works without script`, async (t) => {
    const page = await open(t, name, { javaScriptEnabled: false });
    assert.ok(await page.locator("h1").isVisible());
    assert.ok(!(await page.locator("#controls").isVisible()));
  });
}

const marked = (page, side) =>
  page.locator(`.side[aria-label="${side}"] .marked`).evaluateAll((all) => all.map((one) => one.id));

test("pointing at a rule marks its counterpart, both ways", async (t) => {
  const page = await open(t, "report.html");
  const rule = page.locator(".rule", { hasText: "List-Id:.*debian-user" });
  const command = page.locator(".rule", { hasText: "fileinto :create \"lists/debian-user\"" });
  const ids = [await rule.getAttribute("id"), await command.getAttribute("id")];
  for (const one of [rule, command]) {
    await one.hover();
    assert.deepEqual(await marked(page, "Old rules"), [ids[0]]);
    assert.deepEqual(await marked(page, "New script"), [ids[1]]);
    await page.mouse.move(5, 5);
    assert.deepEqual(await marked(page, "Old rules"), []);
  }
});

test("the keyboard reaches a rule's counterpart", async (t) => {
  const page = await open(t, "report.html");
  const link = page.locator(".rule.exact .tag a").first();
  await link.focus();
  const to = (await link.getAttribute("href")).slice(1);
  assert.deepEqual(await marked(page, "New script"), [to]);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.querySelector(":target").id), to);
  const back = page.locator(`#${to} .note a`).first();
  await back.focus();
  assert.equal((await marked(page, "Old rules")).length, 1);
});

test("the counterpart comes into sight", async (t) => {
  const page = await open(t, "report.html", { viewport: { width: 1280, height: 420 }, reducedMotion: "reduce" });
  const last = page.locator('.side[aria-label="Old rules"] .rule[data-to]').last();
  await last.hover();
  const [to] = await marked(page, "New script");
  const isSeen = await page.evaluate((id) => {
    const box = document.getElementById(id).getBoundingClientRect();
    const side = document.getElementById(id).closest(".side").getBoundingClientRect();
    return box.top >= side.top && box.top < side.bottom;
  }, to);
  assert.ok(isSeen);
  assert.deepEqual(page.complaints, []);
});

test("every link on a page leads somewhere", async (t) => {
  for (const name of ["report.html", "replay.html", "hostile.html", "batch/bob/report.html"]) {
    const page = await open(t, name);
    const dead = await page.evaluate(() =>
      [...document.querySelectorAll('a[href^="#"]')].map((a) => a.hash.slice(1)).filter((id) => !document.getElementById(id)));
    assert.deepEqual(dead, [], name);
  }
});

test("what users wrote does not run", async (t) => {
  const page = await open(t, "hostile.html");
  assert.equal(await page.locator("script").count(), 1);
  assert.equal(await page.locator("img").count(), 0);
  assert.match(await page.title(), /<script>/);
  assert.match(await page.locator("h1").textContent(), /␛\[2J/);
});

test("a script that is not the page's own does not run", async (t) => {
  const page = await open(t, "report.html");
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "document.title = 'broken'";
    document.body.append(script);
  });
  assert.doesNotMatch(await page.title(), /broken/);
  assert.match(page.complaints.join(), /Content Security Policy/);
});

test("on paper everything is there", async (t) => {
  const page = await open(t, "report.html");
  await page.emulateMedia({ media: "print" });
  const sides = await page.locator(".side").evaluateAll((all) => all.map((one) => one.scrollHeight - one.clientHeight));
  assert.ok(sides.every((hidden) => hidden <= 1), String(sides));
});

test("what was tried on mail stands below its reasons", async (t) => {
  const page = await open(t, "replay.html");
  assert.match(await page.locator("#replay").textContent(), /run on 520 messages/);
  const changed = await page.locator("#replay tr.changed th").allTextContents();
  assert.ok(changed.includes("INBOX"), String(changed));
  const reason = page.locator("#replay .reason", { hasText: "book-order" });
  assert.match(await reason.locator("h3").textContent(), /120 messages/);
  assert.equal(await reason.locator("tbody tr").count(), 100);
  assert.match(await reason.textContent(), /20 more of these/);
  await reason.locator("h3 a").click();
  assert.match(await page.evaluate(() => document.querySelector(":target").textContent), /book-order/);
  assert.deepEqual(page.complaints, []);
});

test("the users of a batch have their pages", async (t) => {
  const page = await open(t, "batch/index.html");
  const links = page.locator("#users tbody a");
  assert.equal(await links.count(), 3);
  for (let at = 0; at < 3; at++) {
    await links.nth(at).click();
    assert.match(await page.locator("h1").textContent(), /^Mail rules of (ann|bob|<script>&)$/);
    await page.goBack();
  }
  assert.deepEqual(page.complaints, []);
});

const loaded = (page) => page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);

test("the largest home loads in under a second", async (t) => {
  if (!existsSync(join(process.env.PAGES, "largest.html"))) return t.skip("there are no shared homes");
  const page = await open(t, "largest.html");
  const time = await loaded(page);
  t.diagnostic(`loaded in ${Math.round(time)} ms`);
  assert.ok(time < 1000, `${time} ms`);
});

test("users are filtered and sorted", async (t) => {
  const page = await open(t, "index.html");
  const names = () => page.locator("#users tbody th").allTextContents();
  const all = await names();
  assert.equal(all.length, 40);
  await page.locator("#words").fill("user00012");
  assert.deepEqual(await names(), ["user00012"]);
  await page.locator("#words").fill("");
  await page.locator("#state").selectOption("manual");
  assert.ok((await names()).length < 40);
  await page.locator("#state").selectOption("");
  const head = page.getByRole("button", { name: "User" });
  await head.click();
  assert.deepEqual(await names(), [...all].sort());
  assert.equal(await page.locator('[aria-sort="ascending"]').count(), 1);
  await head.click();
  assert.deepEqual(await names(), [...all].sort().reverse());
  await head.click();
  assert.deepEqual(await names(), all);
  await page.locator("[data-code] button").first().click();
  assert.ok((await names()).length > 0);
  assert.deepEqual(page.complaints, []);
});

test("users who need help come first, and link to their pages", async (t) => {
  const page = await open(t, "index.html", { javaScriptEnabled: false });
  const states = await page.locator("#users tbody tr").evaluateAll((rows) => rows.map((row) => row.className));
  const order = ["unread", "manual", "adapted", "exact"];
  assert.deepEqual(states, [...states].sort((a, b) => order.indexOf(a) - order.indexOf(b)));
  const link = page.locator("#users tbody a").first();
  assert.match(await link.getAttribute("href"), /^user\d+\/report\.html$/);
});

// How long it takes until the next frame is drawn after something was done.
const timed = (page, act) =>
  page.evaluate(async (act) => {
    const start = performance.now();
    const words = document.getElementById("words");
    if (act === "filter") {
      words.value = "user0999";
      words.dispatchEvent(new Event("input"));
    } else {
      document.querySelector("[data-sort=number] button").click();
    }
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - start;
  }, act);

test("10,000 users are no burden", async (t) => {
  const page = await open(t, "index-10000.html");
  const time = { load: await loaded(page), sort: await timed(page, "sort"), filter: await timed(page, "filter") };
  t.diagnostic(Object.entries(time).map(([what, ms]) => `${what} ${Math.round(ms)} ms`).join(", "));
  // Bounds for a machine that is busy with other things; alone it takes a fifth.
  assert.ok(time.load < 3000 && time.sort < 1000 && time.filter < 500, JSON.stringify(time));
});
