/* The page as a whole: what others have sent, the keyboard, accessibility, room for everything. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, test } from "node:test";

import { closeAll, cutOff, DEADLINE, openPage, picture, startLab, until } from "./support.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const options = { timeout: 6 * DEADLINE };
const pictures = ["streams", "datagrams", "station", "log"];

after(closeAll);

test("what students send is text", options, async () => {
	const lab = await startLab("--set", "tv.interval=1s", "--set", "reset.family=both");
	const page = await openPage(lab);
	await page.evaluate(() => (window.hit = false));
	await lab.run("pdc", "<script>window.hit=1</script>");
	await page.says("#streams-title", /<script>window.hit=1<\/script>/);
	const speaker = lab.start("tv-send", "--id", "<b>x\"&");
	speaker.input.end("<img src=x onerror='window.hit=1'>\u202e\n");
	await speaker.end;
	const socket = createSocket("udp4").unref(), port = lab.env.PMULAB_RESET_PORT;
	socket.send("<a><script>1", port, "127.0.0.1", () => socket.close());
	await page.tab("datagrams");
	await page.says("#ways-stage svg", /<a><script>1/);
	assert.equal(await page.count("main a"), 0);
	await page.tab("station");
	await page.says("#participants", /<img src=x onerror=/);
	await page.tab("log");
	await page.says("#log-rows", /<img src=x/);
	assert.equal(await page.evaluate(() => window.hit), false);
	assert.equal(await page.count("main img, main script"), 0);
	assert.deepEqual(page.faults, []);
});

test("by keys alone", options, async () => {
	const lab = await startLab("--set", "reset.family=both"), page = await openPage(lab);
	const focus = () => page.evaluate(() => document.activeElement.id);
	const value = async (key) => (await lab.call("GET", `v1/config/${key}`)).value;
	await lab.run("pdc", "CMD_short:0");
	await page.has("#streams-stage rect[data-segment]", 2);
	/* To the picture, through the tabs and buttons. */
	for (let i = 0; i < 8 && await focus() !== "streams-stage"; i++)
		await page.keyboard.press("Tab");
	assert.equal(await focus(), "streams-stage");
	await page.keyboard.press("ArrowRight");
	await page.says("#streams-told", /^send\(\) 1: 18 bytes/);
	await page.keyboard.press("ArrowDown");
	await page.keyboard.press("End");
	await page.says("#streams-told", /^Segment 2: 353 bytes/);
	await page.keyboard.press("2");
	await page.waitForSelector("#datagrams:not([hidden])");
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "30");
	await page.says("#ways-told", /above/);
	await page.focus("#ways-stage");
	await page.keyboard.press("ArrowUp");
	await page.says("#ways-told", /^Re(ply|quest) \d+/);
	await page.keyboard.press("Home");
	await page.waitForSelector("#ways-stage [data-n='1']");
	await page.keyboard.press("End");
	await page.says("#ways-told", /above/);
	/* A choice leaves to the page the keys that choose a picture. */
	await page.focus("[data-key='reset.family'] select");
	await page.keyboard.press("4");
	await page.waitForSelector("#log:not([hidden])");
	assert.equal(await value("reset.family"), "both");
	await page.keyboard.press("2");
	await page.waitForSelector("#datagrams:not([hidden])");
	/* The slider. */
	await page.focus("[aria-label='Loss in per cent']");
	await page.keyboard.press("End");
	await until(async () => await value("reset.loss") === "100%");
	/* The log, and from there back to the picture. */
	await page.keyboard.press("Tab");
	await page.evaluate(() => document.activeElement.blur());
	await page.keyboard.press("/");
	await page.waitForFunction(() => document.activeElement.id === "log-search");
	await page.keyboard.type("CMD_short");
	await page.says("#log-count", /^2 of/);
	await page.focus("#log-rows");
	await page.keyboard.press("Home");
	await page.keyboard.press("Enter");
	await page.waitForSelector("#streams:not([hidden])");
});

/* Runs in the page: what axe finds, a line each. */
async function runAxe() {
	const { violations } = await window.axe.run();
	return violations.map(({ impact, id, nodes }) => {
		const places = nodes.map((node) => `${node.target} ${node.failureSummary}`);
		return `${impact} ${id}: ${places.join(" | ")}`;
	});
}

/* Runs axe in a world of its own, where the page's policy does not forbid it. */
async function audit(page) {
	const client = await page.createCDPSession();
	const { frameTree: { frame } } = await client.send("Page.getFrameTree");
	const world = await client.send("Page.createIsolatedWorld", { frameId: frame.id });
	const contextId = world.executionContextId;
	await client.send("Runtime.evaluate", { contextId, expression: axe });
	const { result } = await client.send("Runtime.evaluate", {
		contextId,
		awaitPromise: true,
		returnByValue: true,
		expression: `(${runAxe})()`,
	});
	return result.value;
}

test("axe finds nothing", options, async () => {
	const lab = await startLab("--set", "tv.interval=50ms", "--set", "reset.family=both");
	const page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "30");
	const speaker = lab.start("tv-send", "--id", "123456");
	speaker.input.end("What a piece of work is a man!\n");
	await speaker.end;
	const found = [];
	for (const scheme of ["light", "dark"])
		for (const view of pictures) {
			await page.emulateMediaFeatures([
				{ name: "prefers-color-scheme", value: scheme },
				{ name: "prefers-reduced-motion", value: "reduce" },
			]);
			await page.tab(view);
			await page.waitForSelector(`#${view}:not([hidden])`);
			const lines = await audit(page);
			found.push(...lines.map((line) => `${view} ${scheme}: ${line}`));
		}
	assert.deepEqual(found, []);
});

for (const [width, height] of [[1280, 720], [1920, 1080]])
	for (const scheme of ["light", "dark"]) {
		const name = `${width}x${height}`;
		test(`pictures at ${name}, ${scheme}: nothing is cut off`, options, async () => {
			const lab = await startLab("--set", "tv.interval=100ms",
				"--set", "reset.family=both");
			const dark = scheme === "dark";
			const page = await openPage(lab, { width, height, dark });
			await lab.run("pdc", "CMD_short:0");
			await page.has("#streams-stage rect[data-segment]", 2);
			await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "60");
			for (const view of pictures) {
				await page.tab(view);
				await page.waitForSelector(`#${view}:not([hidden])`);
				await page.evaluate(() => {
					const animations = document.getAnimations();
					return Promise.all(animations.map((one) => one.finished));
				});
				assert.deepEqual(await cutOff(page), [], view);
				await picture(page, `${view}-${name}-${scheme}`);
			}
		});
	}
