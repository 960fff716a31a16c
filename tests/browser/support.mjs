/*
 * A lab, its clients and a browser for the tests.
 *
 *     const lab = await startLab("--set", "tv.interval=50ms");
 *     await lab.run("pdc", "CMD_short:0");           // a client, to its end
 *     const page = await openPage(lab);              // a browser of its own
 *     await page.waitForSelector("[data-segment='2']");
 *
 * Nothing sleeps: everything waits for what the page or a program says, for DEADLINE at most.
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

const open = []; /* what must be closed, the last one first */

/** To be called behind all tests of a file. */
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
	const clean = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("PMULAB_")));
	return spawn(join(BUILD, name === "pmulab" ? "servers" : "clients", name), args, { env: { ...clean, ...env }, stdio: ["pipe", "pipe", "pipe"] });
}

/** A lab on free ports of the loopback interface, with its page. */
export async function startLab(...args) {
	const path = await folder(), ports = join(path, "ports"), events = join(path, "events.ndjson");
	const child = program("pmulab", ["serve", "--ephemeral", "--bind", "127.0.0.1", "--ports-file", ports, "--events", events, "--seed", "7",
		"--page=127.0.0.1:0", ...args], { XDG_STATE_HOME: path, XDG_RUNTIME_DIR: path });
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
		child.once("exit", () => failed(new Error(`pmulab has ended: ${said.join("\n")}`)));
		setTimeout(() => failed(new Error("pmulab says no address of a page")), DEADLINE).unref();
	});
	const lab = { url, events, stop, base: new URL("/", url).href, key: new URL(url).searchParams.get("key") };
	/* The ports file is whole as soon as it is there: before the address is printed, or soon. */
	lab.env = await until(async () => {
		const text = await readFile(ports, "utf8").catch(() => "");
		return text && Object.fromEntries(text.trim().split("\n").map((line) => line.replace(/^export /, "").split(/=(.*)/s).slice(0, 2)));
	});
	lab.call = async (method, where, body) => {
		const answer = await fetch(lab.base + where, { method, headers: { Authorization: `Bearer ${lab.key}`, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
		return { status: answer.status, ...await answer.json() };
	};
	/** A client, to its end: { status, stdout }. */
	lab.run = (name, ...words) => lab.start(name, ...words).end;
	/** One that runs: `end` is a promise of what it said, `input` what it reads. */
	lab.start = (name, ...words) => {
		const client = program(name, words, lab.env);
		let stdout = "";
		client.stdout.on("data", (piece) => (stdout += piece));
		client.stderr.resume();
		open.push(async () => client.kill("SIGKILL"));
		return { input: client.stdin, end: exited(client).then((status) => ({ status, stdout })) };
	};
	return lab;
}

/** Asks until the answer is something; only for what tells nobody when it changes. */
export async function until(ask, what = ask) {
	for (const end = Date.now() + DEADLINE; Date.now() < end;) {
		const answer = await ask();
		if (answer)
			return answer;
		await new Promise((resume) => setTimeout(resume, 20));
	}
	throw new Error(`waited in vain for ${what}`);
}

/** A browser without a past, at the lab's page (or another address); `before` runs in it before its own modules. What the page complains of stands in page.faults. */
export async function openPage(lab, { width = 1280, height = 720, dark = false, url = lab.url, before } = {}) {
	const browser = await puppeteer.launch({
		executablePath: CHROMIUM, headless: true, userDataDir: await folder(), timeout: DEADLINE,
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync"],
	});
	open.push(() => browser.close().catch(() => {}));
	const [page] = await browser.pages();
	page.setDefaultTimeout(DEADLINE);
	page.faults = [];
	page.on("pageerror", (error) => page.faults.push(String(error.stack ?? error)));
	page.on("console", (message) => message.type() === "error" && page.faults.push(message.text()));
	await page.setViewport({ width, height });
	await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
	if (before)
		await page.evaluateOnNewDocument(before);
	await page.goto(url, { waitUntil: "domcontentloaded" });
	page.text = (selector) => page.$eval(selector, (element) => element.textContent);
	page.count = (selector) => page.$$eval(selector, (elements) => elements.length);
	/** Until an element's text fits. */
	page.says = (selector, pattern) => page.waitForFunction((where, source) => new RegExp(source).test(document.querySelector(where)?.textContent ?? ""),
		{ polling: "mutation" }, selector, pattern.source);
	page.has = (selector, count) => page.waitForFunction((where, number) => document.querySelectorAll(where).length === number,
		{ polling: "mutation" }, selector, count);
	return page;
}

/** Kept for people: PMULAB_SCREENSHOTS names the folder. */
export async function picture(page, name) {
	const where = process.env.PMULAB_SCREENSHOTS;
	if (!where)
		return;
	await mkdir(where, { recursive: true });
	await page.screenshot({ path: join(where, `${name}.png`) });
}
