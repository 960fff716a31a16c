/* A reload of the page, or a lab that begins anew: what is found again, and what is not. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { closeAll, DEADLINE, openPage, startLab } from "./support.mjs";

const options = { timeout: 6 * DEADLINE };

after(closeAll);

test("a reload finds everything again", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc", "CMD_floodme");
	await page.has("#streams-list [data-conn]", 2);
	await page.click("#streams-list [data-conn='1']");
	await page.click("#theme");
	await page.tab("log");
	await page.select("#log-filter", "streams");
	await page.reload();
	await page.waitForSelector("#log:not([hidden])");
	assert.equal(await page.$eval("#log-filter", (select) => select.value), "streams");
	const scheme = await page.evaluate(() => document.documentElement.style.colorScheme);
	assert.equal(scheme, "dark");
	await page.tab("streams");
	await page.has("#streams-stage rect[data-segment]", 2);
	await page.has("#streams-list [data-conn]", 2);
	assert.deepEqual(page.faults, []);
});

test("what is cleared stays so in a reload, and comes again in another lab", options, async () => {
	const lab = await startLab("--set", "reset.family=both"), page = await openPage(lab);
	const clear = () => page.press("#controls button", "Clear");
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "5");
	await page.has("#streams-list [data-conn]", 1);
	await clear();
	await page.says("#streams-title", /No connection yet/);
	await page.tab("datagrams");
	await page.says("#lost", /% *$/);
	await clear();
	await page.says("#lost", /nothing yet/);
	await lab.run("pdc", "CMD_floodme");
	await page.reload();
	await page.says("#lost", /nothing yet/);
	assert.equal(await page.count("#ways-stage [data-arrow]"), 0);
	await page.tab("streams");
	await page.has("#streams-list [data-conn]", 1);
	await page.has("#streams-stage rect[data-segment]", 40);
	await lab.stop();
	await page.says("#state", /the lab has ended/);
	const second = await startLab(`--page=127.0.0.1:${new URL(lab.url).port}`);
	await second.run("pdc", "CMD_short:0");
	await page.goto(second.url);
	await page.has("#streams-stage rect[data-segment]", 2);
	assert.deepEqual(page.faults, []);
});

test("a reload finds what holds also where the events that told of it are gone",
	options, async () => {
	const lab = await startLab("--set", "pmu.messages=1000", "--set", "pmu.rtt=0");
	const page = await openPage(lab);
	await page.says("#state", /live/);
	await lab.call("PATCH", "v1/config", { "reset.loss": "burst:30%,4" });
	await lab.call("POST", "v1/pause", { endpoint: "echo" });
	const first = async () => (await lab.call("GET", "v1/status")).events.first;
	const eightClients = () => Array.from({ length: 8 }, () => lab.run("pdc", "CMD_short:0"));
	while (await first() < 100)
		await Promise.all(eightClients());
	await page.reload();
	await page.says("#state", /paused: echo/);
	await page.says("#numbers", /events missing/);
	await page.tab("datagrams");
	await page.waitForFunction(() => {
		const text = document.querySelector("[aria-label='Loss as text']");
		return text?.value === "burst:30%,4";
	}, { polling: 50 });
	await page.waitForSelector("#lost-scale[aria-label$='configured burst:30%,4']");
	await page.tab("streams");
	await page.press("#controls button", "echo");
	await page.says("#state", /live/);
	assert.deepEqual(page.faults, []);
});
