// Chromium for the tests: reads one command a line from standard input, as
// JSON, and answers each with one line. Python decides what is done; here is
// only how. Also axe-core and html-validate, which are JavaScript.
//
//	usage: node chromium.mjs MODULES PROFILE on|off [PROXY]
//
// MODULES is the directory with node_modules, "off" JavaScript without which
// the pages have to work. "on" is for axe-core alone, and sets CSP aside.
// PROXY is for all requests: socks5://HOST:PORT.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";

const [modules, profile, script, proxy] = process.argv.slice(2);
const require = createRequire(path.resolve(modules, "package.json"));
const { chromium } = require("playwright-core");

const context = await chromium.launchPersistentContext(profile, {
	executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
	headless: true,
	javaScriptEnabled: script === "on",
	bypassCSP: script === "on",
	locale: "en-US",
	viewport: { width: 1280, height: 900 },
	...(proxy ? { proxy: { server: proxy } } : {}),
	args: [
		"--no-sandbox",
		"--disable-gpu",
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-sync",
		"--no-first-run",
		// So that the site can be asked under another name.
		"--host-resolver-rules=MAP *.example 127.0.0.1",
	],
});
const page = context.pages()[0] || (await context.newPage());
page.setDefaultTimeout(30000);
const protocol = await context.newCDPSession(page);

// Every HTML document as it came over the wire.
let documents = [];
const validators = new Map();
page.on("response", (response) => {
	const type = response.headers()["content-type"] || "";
	if (!type.startsWith("text/html"))
		return;
	documents.push({
		url: response.url(),
		status: response.status(),
		method: response.request().method(),
		body: response.text().catch(() => null),
		began: Date.now(),
	});
});

async function frameOf(css) {
	if (!css)
		return page.mainFrame();
	const handle = await page.$(css);
	const frame = handle && (await handle.contentFrame());
	if (!frame)
		throw new Error(`no frame ${css}`);
	return frame;
}

async function element({ css, nth = 0, frame }) {
	return (await frameOf(frame)).locator(css).nth(nth);
}

const verbs = {
	version: async () => (await protocol.send("Browser.getVersion")).product,
	open: ({ url }) => page.goto(url, { waitUntil: "commit" }).then(() => null),
	reload: () => page.reload({ waitUntil: "commit" }).then(() => null),
	back: () => page.goBack({ waitUntil: "commit" }).then(() => null),
	url: () => page.url(),
	evaluate: async ({ body, arg, frame }) =>
		(await frameOf(frame)).evaluate(`(arg => {${body}})(${JSON.stringify(arg ?? null)})`),
	click: async (a) => (await element(a)).click({ noWaitAfter: true }),
	dblclick: async (a) => (await element(a)).dblclick({ noWaitAfter: true }),
	type: async (a) => (await element(a)).fill(a.text),
	files: async (a) => (await element(a)).setInputFiles(a.paths),
	key: ({ key }) => page.keyboard.press(key),
	size: ({ width, height }) => page.setViewportSize({ width, height }),
	media: ({ scheme, media }) =>
		page.emulateMedia({ colorScheme: scheme, media: media ?? null }),
	// Not page.screenshot: that waits for all frames to have ended. And in a
	// window as high as the page, as frames that are out of sight are not
	// painted.
	async shot({ path }) {
		const before = page.viewportSize();
		const { cssContentSize } = await protocol.send("Page.getLayoutMetrics");
		await page.setViewportSize({
			width: before.width,
			height: Math.max(before.height, Math.ceil(cssContentSize.height)),
		});
		await new Promise((done) => setTimeout(done, 150));
		const picture = await protocol.send("Page.captureScreenshot");
		fs.writeFileSync(path, picture.data, "base64");
		await page.setViewportSize(before);
	},
	async documents() {
		// null for what has not ended within two seconds, or was left before
		// its end.
		const taken = documents;
		documents = [];
		for (const each of taken) {
			const left = Math.max(0, each.began + 2000 - Date.now());
			const soon = new Promise((done) => setTimeout(done, left, null));
			each.body = await Promise.race([each.body, soon]);
		}
		return taken;
	},
	async axe({ tags }) {
		const source = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
		for (const frame of page.frames()) {
			if (!(await frame.evaluate("'axe' in globalThis")))
				await frame.evaluate(source);
		}
		const found = await page.evaluate(
			(values) => globalThis.axe.run(document, {
				runOnly: { type: "tag", values },
				resultTypes: ["violations"],
			}),
			tags,
		);
		return {
			passes: found.passes.length,
			violations: found.violations.map((v) => ({
				id: v.id,
				help: v.help,
				nodes: v.nodes.map((n) => ({
					target: n.target.flat(),
					why: n.failureSummary,
				})),
			})),
		};
	},
	async validate({ html, config }) {
		const { HtmlValidate, StaticConfigLoader } = require("html-validate");
		// Made once: that takes longer than a page does.
		const rules = JSON.stringify(config);
		if (!validators.has(rules))
			validators.set(rules,
				new HtmlValidate(new StaticConfigLoader(config)));
		const report = await validators.get(rules).validateString(html);
		return report.results.flatMap((r) =>
			r.messages.map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`));
	},
};

for await (const line of readline.createInterface({ input: process.stdin })) {
	const { verb, ...args } = JSON.parse(line);
	let answer;
	try {
		answer = { value: (await verbs[verb](args)) ?? null };
	} catch (error) {
		answer = { error: String(error.message || error) };
	}
	process.stdout.write(JSON.stringify(answer) + "\n");
}
await context.close();
