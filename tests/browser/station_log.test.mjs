/* The pictures of the station and of the log. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { closeAll, DEADLINE, openPage, startLab } from "./support.mjs";

const options = { timeout: 6 * DEADLINE };

after(closeAll);

test("the station's answer stands among its lines", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	const say = async (id, count) => {
		const speaker = lab.start("tv-send", "--id", id);
		speaker.input.end("a".repeat(count) + "\n");
		await speaker.end;
	};
	await page.tab("station");
	await say("123456", 300);
	const one = /123456300 of 300 characters.*one more brings the answer/;
	await page.says("#participants", one);
	await say("654321", 301);
	await page.says("#subtitles .answer", /^→ @654321: /);
	await page.says("#participants", /654321301 of 600 characters.*answered/);
});

test("the log: follows only at its end, and what it shows can be saved", options, async () => {
	const lab = await startLab("--set", "tv.interval=50ms"), page = await openPage(lab);
	const firstSeq = () => page.$eval("#log-rows [data-seq]", (row) => row.dataset.seq);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc", "CMD_short:0");
	await page.tab("log");
	await page.says("#log-count", /following/);
	await page.$eval("#log-rows", (box) => (box.scrollTop = 0));
	await page.says("#log-count", /^\d+ of \d+$/);
	const seen = await firstSeq(), before = await page.text("#log-count");
	const isOther = (text) => document.querySelector("#log-count").textContent !== text;
	await page.becomes(isOther, before);
	assert.equal(await firstSeq(), seen);
	await page.click("#log-end");
	await page.says("#log-count", /following/);
	await page.select("#log-filter", "streams");
	const [type, text] = await page.evaluate(async () => {
		let blob;
		URL.createObjectURL = (given) => ((blob = given), "data:,");
		document.querySelector("#log-export").click();
		return [blob.type, await blob.text()];
	});
	const events = text.trim().split("\n").map((line) => JSON.parse(line));
	assert.equal(type, "application/x-ndjson");
	assert.equal(events.filter(({ event }) => event === "send").length, 40);
	assert.ok(events.every(({ conn }) => conn));
	await page.select("#log-filter", "all but the station");
	await page.says("#log-count", /^5\d of/);
});

test("from the log to the picture", options, async () => {
	const lab = await startLab("--set", "reset.family=both"), page = await openPage(lab);
	const rows = "#log-rows [data-seq]";
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "30");
	await page.tab("log");
	await page.type("#log-search", "\"n\":3,");
	await page.waitForSelector(rows);
	await page.select("#log-filter", "datagrams");
	await page.locator(rows).click();
	await page.waitForSelector("#datagrams:not([hidden])");
	await page.waitForSelector("#ways-stage .hit.current");
	await page.says("#ways-told", /^Re(quest|ply) 3 /);
	await page.tab("log");
	await page.$eval("#log-search", (input) => (input.value = ""));
	await page.type("#log-search", "\"i\":7,");
	await page.select("#log-filter", "streams");
	await page.has(rows, 1);
	await page.locator(rows).click();
	await page.waitForSelector("#streams-stage rect.current[data-call='7']");
});
