/* The report: the page of a run that is over, a file that is opened without a server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { closeAll, openPage, picture, ROOT, startLab } from "./support.mjs";

const PMULAB = join(resolve(process.env.PMULAB_BUILD || join(ROOT, "build")), "servers", "pmulab");
const HOSTILE = "</script><script>document.title='theirs'</script>" +
	"<!--<script><img src=x onerror=alert(1)>\u2028";
let folder;

before(async () => (folder = await mkdtemp(join(tmpdir(), "pmulab-report-"))));
after(async () => {
	await closeAll();
	await rm(folder, { recursive: true, force: true });
});

/** Opens the report of a file of events; page.asked has the addresses that the page asks for. */
async function openReport(events) {
	const path = join(folder, "lab.html");
	await promisify(execFile)(PMULAB, ["report", events, "-o", path]);
	const page = await openPage(null, { url: "about:blank" });
	page.asked = [];
	page.on("request", (request) => page.asked.push(request.url()));
	await page.goto(pathToFileURL(path).href);
	return Object.assign(page, { path });
}

/** The addresses that a report asks for, other than its own. */
function others(page) {
	const own = pathToFileURL(page.path).href;
	return page.asked.filter((url) => url !== own && !url.startsWith("data:"));
}

test("it shows a run's connections, by itself", async () => {
	const lab = await startLab();
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc", HOSTILE);
	await lab.stop();
	const page = await openReport(lab.events);
	await page.says("#state", /a run that is over/);
	await page.has("#streams-list [role=option]", 2);
	await page.click("#tab-log");
	await page.says("#log-rows", /CMD_short:0/);
	await picture(page, "report");
	assert.equal(await page.title(), "pmulab");
	assert.equal(await page.count("script"), 2);
	assert.deepEqual(page.faults, []);
	assert.deepEqual(others(page), []);
});

test("what others have written stays text, and reads as they wrote it", async () => {
	const events = join(folder, "lab.ndjson");
	const participant = {
		t: 1, seq: 1, event: "participant", endpoint: "tv",
		id: "123456", text: HOSTILE, characters: 90, total: 90,
	};
	await writeFile(events, JSON.stringify(participant) + "\n");
	const page = await openReport(events);
	await page.says("#state", /a run that is over/);
	await page.click("#tab-station");
	await page.has("#participants li", 1);
	assert.ok((await page.text("#participants")).includes(HOSTILE.slice(0, 40)));
	assert.equal(await page.title(), "pmulab");
	assert.equal(await page.count("img"), 0);
	assert.equal(await page.count("script"), 2);
	const embedded = await page.$eval("#events", (element) => JSON.parse(element.textContent));
	assert.equal(embedded.text, HOSTILE);
	assert.deepEqual(page.faults, []);
	assert.deepEqual(others(page), []);
	assert.ok(!(await readFile(page.path, "utf8")).includes(HOSTILE.slice(0, 9) + "<script>"));
});

test("of a long run it says how much is missing", async () => {
	const events = join(folder, "lab.ndjson"), lines = [];
	const print = {
		event: "print", endpoint: "udp-print", peer: "127.0.0.1:4000",
		text: "x".repeat(1000),
	};
	for (let seq = 1; seq <= 40000; seq++)
		lines.push(JSON.stringify({ t: seq / 1000, seq, n: seq, ...print }) + "\n");
	await writeFile(events, lines.join(""));
	const page = await openReport(events);
	await page.says("#numbers", /\d events · [\d,]+ events missing/);
	const pattern = /([\d,]+) events · ([\d,]+) events missing/;
	const numbers = pattern.exec(await page.text("#numbers"));
	const [, here, missing] = numbers.map((number) => Number(number.replaceAll(",", "")));
	assert.equal(here - 1 + missing, 40000); /* one of them says what is missing */
	assert.deepEqual(page.faults, []);
});
