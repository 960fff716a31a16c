/*
 * A lab, its clients and a browser for the tests.
 *
 *     const lab = await startLab("--set", "tv.interval=50ms");
 *     await lab.run("pdc", "CMD_short:0");           // runs a client to its end
 *     const page = await openPage(lab);              // starts a browser for this page alone
 *     await page.waitForSelector("[data-segment='2']");
 *
 * No test sleeps: each waits for what the page or a program says, for at most DEADLINE ms.
 */
import { spawn } from "node:child_process";
import { mkdtemp, mkdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import puppeteer from "puppeteer-core";

export const ROOT = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");
const BUILD = resolve(process.env.PMULAB_BUILD || join(ROOT, "build"));
export const DEADLINE = 15000 * Number(process.env.PMULAB_TEST_SCALE || 1);
const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";

const open = []; /* functions that close what was opened, to be called in reverse order */

/** Closes all labs, clients and browsers; a file of tests calls it after the last one. */
export async function closeAll() {
	while (open.length)
		await open.pop()();
}

async function folder() {
	const path = await mkdtemp(join(tmpdir(), "pmulab-page-"));
	open.push(() => rm(path, { recursive: true, force: true, maxRetries: 5 }));
	return path;
}

const exited = (child) => new Promise((done) => {
	if (child.exitCode !== null || child.signalCode !== null)
		done(child.exitCode);
	child.once("exit", done);
});

function program(name, args, env) {
	const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith("PMULAB_"));
	const path = join(BUILD, name === "pmulab" ? "servers" : "clients", name);
	return spawn(path, args, {
		env: { ...Object.fromEntries(inherited), ...env },
		stdio: ["pipe", "pipe", "pipe"],
	});
}

/* The variables that a file of lines "export NAME=VALUE" sets. */
function readVariables(text) {
	const lines = text.trim().split("\n").map((line) => line.replace(/^export /, ""));
	return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

/** Starts a lab on free ports of the loopback interface, with its page. */
export async function startLab(...args) {
	const path = await folder();
	const ports = join(path, "ports"), events = join(path, "events.ndjson");
	const options = [
		"--ephemeral",
		"--bind", "127.0.0.1",
		"--ports-file", ports,
		"--events", events,
		"--seed", "7",
		"--page=127.0.0.1:0",
	];
	const env = { XDG_STATE_HOME: path, XDG_RUNTIME_DIR: path };
	const child = program("pmulab", ["serve", ...options, ...args], env);
	const stop = async (signal = "SIGTERM") => {
		child.kill(signal);
		return exited(child);
	};
	open.push(() => stop("SIGKILL"));
	child.stdin.end();
	const said = [];
	const url = await new Promise((found, failed) => {
		createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
		for (const stream of [child.stdout, child.stderr])
			createInterface({ input: stream }).on("line", (line) => {
				const [address] = /http:\S+key=\w+/.exec(line) ?? [];
				if (address)
					found(address);
			});
		const fail = (why) => failed(new Error(why));
		child.once("exit", () => fail(`pmulab has ended: ${said.join("\n")}`));
		setTimeout(() => fail("pmulab says no address of a page"), DEADLINE).unref();
	});
	const base = new URL("/", url).href, key = new URL(url).searchParams.get("key");
	const lab = { url, events, stop, base, key };
	/* The ports file appears before or soon after the address is printed, and then is whole. */
	lab.env = await until(async () => {
		const text = await readFile(ports, "utf8").catch(() => "");
		return text && readVariables(text);
	});
	/** Calls the lab's API: { status, ... } with the fields of its answer. */
	lab.call = async (method, where, body) => {
		const answer = await fetch(base + where, {
			method,
			headers: {
				Authorization: `Bearer ${key}`,
				"Content-Type": "application/json",
			},
			body: body && JSON.stringify(body),
		});
		return { status: answer.status, ...await answer.json() };
	};
	/** Runs a client to its end: { status, stdout }. */
	lab.run = (name, ...words) => lab.start(name, ...words).end;
	/** Starts a client: it reads `input`; `end` is a promise of { status, stdout }. */
	lab.start = (name, ...words) => {
		const client = program(name, words, lab.env);
		let stdout = "";
		client.stdout.on("data", (piece) => (stdout += piece));
		client.stderr.resume();
		open.push(async () => client.kill("SIGKILL"));
		const end = exited(client).then((status) => ({ status, stdout }));
		return { input: client.stdin, end };
	};
	return lab;
}

/** Repeats a question until its answer is true; for states whose changes no event tells. */
export async function until(ask, what = ask) {
	for (const end = Date.now() + DEADLINE; Date.now() < end;) {
		const answer = await ask();
		if (answer)
			return answer;
		await new Promise((resume) => setTimeout(resume, 20));
	}
	throw new Error(`waited in vain for ${what}`);
}

/**
 * Opens the lab's page, or another address, in a new browser. `before` runs in the page before its
 * own modules. page.faults has the errors of the page.
 */
export async function openPage(lab, options = {}) {
	const { width = 1280, height = 720, dark = false, url = lab.url, before } = options;
	const browser = await puppeteer.launch({
		executablePath: CHROMIUM,
		headless: true,
		userDataDir: await folder(),
		timeout: DEADLINE,
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
	open.push(() => browser.close().catch(() => {}));
	const [page] = await browser.pages();
	page.setDefaultTimeout(DEADLINE);
	page.faults = [];
	page.on("pageerror", (error) => page.faults.push(String(error.stack ?? error)));
	page.on("console", (message) => {
		if (message.type() === "error")
			page.faults.push(message.text());
	});
	await page.setViewport({ width, height });
	const scheme = { name: "prefers-color-scheme", value: dark ? "dark" : "light" };
	await page.emulateMediaFeatures([scheme]);
	if (before)
		await page.evaluateOnNewDocument(before);
	await page.goto(url, { waitUntil: "domcontentloaded" });
	page.text = (selector) => page.$eval(selector, (element) => element.textContent);
	page.count = (selector) => page.$$eval(selector, (elements) => elements.length);
	/** Waits until a function in the page returns true; calls it when the document changes. */
	page.becomes = (condition, ...args) =>
		page.waitForFunction(condition, { polling: "mutation" }, ...args);
	/** Waits until an element's text matches a pattern. */
	page.says = (selector, pattern) => page.becomes((where, source) => {
		const text = document.querySelector(where)?.textContent ?? "";
		return new RegExp(source).test(text);
	}, selector, pattern.source);
	/** Waits until there are so many elements. */
	page.has = (selector, count) => page.becomes(
		(where, number) => document.querySelectorAll(where).length === number,
		selector, count);
	/** Clicks on the button whose text contains this one, among the buttons of a selector. */
	page.press = (selector, text) => page.$$eval(selector, (buttons, wanted) => {
		buttons.find((button) => button.textContent.includes(wanted)).click();
	}, text);
	/** Shows a picture: "streams", "datagrams", "station" or "log". */
	page.tab = (name) => page.click(`#tab-${name}`);
	return page;
}

/** Names the boxes whose content does not fit in them, or that do not fit in the window. */
export const cutOff = (page) => page.evaluate(() => {
	const selector = "body, main, header, footer, aside:not([hidden]), " +
		"section:not([hidden]), .card";
	const isCut = (box) => box.scrollWidth > box.clientWidth + 1 ||
		box.scrollHeight > box.clientHeight + 1 ||
		box.getBoundingClientRect().right > innerWidth;
	const boxes = [...document.querySelectorAll(selector)].filter(isCut);
	return boxes.map((box) => `${box.localName}#${box.id}`);
});

/** Saves a picture of the page for people, in the folder that PMULAB_SCREENSHOTS names. */
export async function picture(page, name) {
	const where = process.env.PMULAB_SCREENSHOTS;
	if (!where)
		return;
	await mkdir(where, { recursive: true });
	await page.screenshot({ path: join(where, `${name}.png`) });
}
