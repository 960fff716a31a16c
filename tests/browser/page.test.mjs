/* The page in a browser, with a lab behind it: what people see, by mouse, by keys, and when something breaks. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";

import { closeAll, DEADLINE, openPage, picture, ROOT, startLab, until } from "./support.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const options = { timeout: 6 * DEADLINE };

after(closeAll);

const tab = (page, name) => page.click(`#tab-${name}`);
const slideTo = (page, label, to) => page.$eval(`[aria-label="${label}"]`, (input, number) => {
	input.value = number;
	input.dispatchEvent(new Event("input", { bubbles: true }));
}, to);

/* Boxes whose content does not fit in them, or that do not fit in the window. */
const cutOff = (page) => page.evaluate(() => [...document.querySelectorAll("body, main, header, footer, aside:not([hidden]), section:not([hidden]), .card")]
	.filter((box) => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1 || box.getBoundingClientRect().right > innerWidth)
	.map((box) => `${box.localName}#${box.id}`));

/* In the page, before its own modules: a network that can be cut and mended. */
function breakable() {
	const real = window.fetch;
	let down = false, cut = () => {};
	window.breakable = {
		resumed: "",
		cut() {
			down = true;
			cut();
		},
		mend() {
			down = false;
		},
	};
	window.fetch = async (where, how) => {
		if (down)
			throw new TypeError("Failed to fetch");
		const response = await real(where, how);
		if (where !== "v1/events")
			return response;
		window.breakable.resumed = how.headers["Last-Event-ID"] ?? "";
		const reader = response.body.getReader();
		return new Response(new ReadableStream({
			start(controller) {
				cut = () => controller.error(new TypeError("network error"));
			},
			async pull(controller) {
				const { done, value } = await reader.read();
				if (done)
					controller.close();
				else
					controller.enqueue(value);
			},
		}));
	};
}

/* Instead of a lab's events: those that the test makes, given to the page as a network gives them. */
function invented() {
	const real = window.fetch;
	window.invented = new Promise((begin) => {
		window.fetch = async (where, how) => {
			if (where === "v1/status")
				return Response.json({ seed: 1, uptime: 0, events: { first: 1, next: 1 }, endpoints: [] });
			if (where !== "v1/events")
				return real(where, how);
			return new Response(new ReadableStream({ start: begin }));
		};
	});
}

test("2 and 20 segments appear as 2 and 20 elements", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await page.says("#state", /live/);
	await lab.run("pdc", "CMD_short:0");
	await page.has("#streams-stage rect[data-segment]", 2);
	assert.equal(await page.count("#streams-stage rect[data-call]"), 20);
	await page.says("#streams-sum", /^20 send\(\) calls → 2 segments → \d+ bytes acknowledged$/);
	await lab.run("pdc", "CMD_short:0.03");
	await page.has("#streams-stage rect[data-segment]", 20);
	assert.equal(await page.count("#streams-stage rect[data-call]"), 20);
	await lab.run("pdc", "CMD_floodme");
	await page.has("#streams-stage rect[data-segment]", 40);
	assert.equal(await page.count("#streams-stage rect[data-call]"), 1);
	assert.deepEqual(await cutOff(page), []); /* the footer tells of a long event */
	/* An older one, by a click; what is under the mouse is told. */
	await page.click("#streams-list [data-conn='1']");
	await page.has("#streams-stage rect[data-segment]", 2);
	await page.hover("#streams-stage rect[data-segment='2']");
	await page.says("#streams-told", /^Segment 2: 353 bytes, had left \d+(\.\d+)? (ms|s|µs) after the beginning/);
	await page.hover("#streams-stage rect[data-call='20']");
	await page.says("#streams-told", /^send\(\) 20: 19 bytes, /);
	await page.hover("#streams-title");
	await page.says("#streams-told", /^done/);
	assert.deepEqual(page.faults, []);
});

test("segments over TLS and WebSocket are those of the messages", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await lab.run("pdc-ws", "CMD_short:0");
	await page.says("#streams-sum", /^20 send\(\) calls → 2 segments/);
	await page.says("#streams-told", /segments? of handshake and goodbye/);
	await lab.run("pdc-tls", "CMD_short:0");
	await page.says("#streams-title", /pmu-tls/);
	await page.says("#streams-sum", /^20 send\(\) calls → 2 segments/);
});

test("the loss is dragged to 100 %, and a client gives up", options, async () => {
	const lab = await startLab("--set", "reset.loss=none", "--set", "reset.family=both"), page = await openPage(lab);
	await tab(page, "datagrams");
	await page.waitForSelector("[aria-label='Loss in per cent']");
	await lab.run("pdc-reset", "-4", "--tries", "3");
	await page.has("#ways-stage [data-direction=reply]", 1);
	const slider = await (await page.$("[aria-label='Loss in per cent']")).boundingBox();
	await page.mouse.move(slider.x + 8, slider.y + slider.height / 2);
	await page.mouse.down();
	await page.mouse.move(slider.x + slider.width - 1, slider.y + slider.height / 2, { steps: 8 });
	await page.mouse.up();
	await until(async () => (await lab.call("GET", "v1/config/reset.loss")).value === "100%", "a loss of 100 %");
	await page.says("[data-key='reset.loss'] .back", /back to none/);
	const { status } = await lab.run("pdc-reset", "-4", "-t", "0.05", "--tries", "4");
	assert.equal(status, 1);
	await page.has("#ways-stage [data-fate=lost]", 4);
	await page.says("#ways-stage svg", /again, 4/);
	assert.equal(await page.count("#ways-stage .link"), 3);
	await page.says("#lost", /^4 of 4 = 100 %$/);
	await page.says("#ribbon-said", /4 lost .* the next 50: 50 will be lost/);
	await picture(page, "lost");
	/* One click goes back. */
	await page.click("[data-key='reset.loss'] .back");
	await page.waitForSelector("[data-key='reset.loss'] .back", { hidden: true });
	assert.equal((await lab.call("GET", "v1/config/reset.loss")).value, "none");
	assert.deepEqual(page.faults, []);
});

test("a lost answer moves the clock twice, and that is red and said", options, async () => {
	const lab = await startLab("--set", "reset.loss=first:1", "--set", "reset.direction=reply", "--set", "reset.family=both"), page = await openPage(lab);
	await tab(page, "datagrams");
	await lab.run("pdc-reset", "-4", "-t", "0.05", "--tries", "3");
	await page.says("#clock-why", /one request moved it twice/);
	assert.ok(await page.$("#clock-card.twice"));
	await page.says("#lost-name", /Replies/);
	await picture(page, "twice");
});

test("the fates to come are those that come", options, async () => {
	const lab = await startLab("--set", "reset.family=both"), page = await openPage(lab);
	await tab(page, "datagrams");
	await page.has("#ribbon [data-next]", 50);
	const promised = await page.$$eval("#ribbon [data-next]", (list) => list.slice(0, 20).map((rect) => rect.classList.contains("lost")));
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "20");
	await page.waitForSelector("#ribbon [data-n='20']");
	const came = await page.$$eval("#ribbon [data-n]", (list) => list.slice(0, 20).map((rect) => rect.classList.contains("lost")));
	assert.deepEqual(came, promised);
	assert.ok(came.includes(true) && came.includes(false));
});

test("bad values are refused in words; scenarios run; a pause lasts until it is ended", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await tab(page, "datagrams");
	const box = await page.waitForSelector("[aria-label='Loss as text']");
	await box.click({ count: 3 });
	await page.keyboard.type("30\n");
	await page.says("#controls-said", /30%/);
	await box.click({ count: 3 });
	await page.keyboard.type("burst:30%,4\n");
	await page.says("#controls-said", /^$/);
	await until(async () => (await lab.call("GET", "v1/config/reset.loss")).value === "burst:30%,4");
	const press = (text) => page.evaluate((wanted) => [...document.querySelectorAll("#controls button")].find((button) => button.textContent.includes(wanted)).click(), text);
	await press("Storm");
	await page.says("#controls", /End the scenario: 1 of 3 done/);
	await press("End the scenario");
	await page.says("#controls", /^((?!End the scenario).)*$/);
	await press("❚❚ reset");
	await page.says("#state", /paused: reset/);
	assert.ok((await lab.call("GET", "v1/status")).endpoints.find((one) => one.endpoint === "reset").paused);
	await press("▶ reset");
	await page.says("#state", /live/);
});

test("a reload finds everything again", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc", "CMD_floodme");
	await page.has("#streams-list [data-conn]", 2);
	await page.click("#streams-list [data-conn='1']");
	await page.click("#theme");
	await tab(page, "log");
	await page.select("#log-filter", "streams");
	await page.reload();
	await page.waitForSelector("#log:not([hidden])");
	assert.equal(await page.$eval("#log-filter", (select) => select.value), "streams");
	assert.equal(await page.evaluate(() => document.documentElement.style.colorScheme), "dark");
	await tab(page, "streams");
	await page.has("#streams-stage rect[data-segment]", 2);
	await page.has("#streams-list [data-conn]", 2);
	assert.deepEqual(page.faults, []);
});

test("what is cleared stays so in a reload, and comes again in another lab", options, async () => {
	const lab = await startLab("--set", "reset.family=both"), page = await openPage(lab);
	const press = () => page.evaluate(() => [...document.querySelectorAll("#controls button")].find((button) => button.textContent === "Clear").click());
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "5");
	await page.has("#streams-list [data-conn]", 1);
	await press();
	await page.says("#streams-title", /No connection yet/);
	await tab(page, "datagrams");
	await page.says("#lost", /% *$/);
	await press();
	await page.says("#lost", /nothing yet/);
	await lab.run("pdc", "CMD_floodme");
	await page.reload();
	await page.says("#lost", /nothing yet/);
	assert.equal(await page.count("#ways-stage [data-arrow]"), 0);
	await tab(page, "streams");
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

test("a reload finds what holds also where the events that told of it are gone", options, async () => {
	const lab = await startLab("--set", "pmu.messages=1000", "--set", "pmu.rtt=0"), page = await openPage(lab);
	await page.says("#state", /live/);
	await lab.call("PATCH", "v1/config", { "reset.loss": "burst:30%,4" });
	await lab.call("POST", "v1/pause", { endpoint: "echo" });
	const first = async () => (await lab.call("GET", "v1/status")).events.first;
	while (await first() < 100)
		await Promise.all(Array.from({ length: 8 }, () => lab.run("pdc", "CMD_short:0")));
	await page.reload();
	await page.says("#state", /paused: echo/);
	await page.says("#numbers", /events missing/);
	await tab(page, "datagrams");
	await page.waitForFunction(() => document.querySelector("[aria-label='Loss as text']")?.value === "burst:30%,4", { polling: 50 });
	await page.waitForSelector("#lost-scale[aria-label$='configured burst:30%,4']");
	await tab(page, "streams");
	await page.evaluate(() => [...document.querySelectorAll("#controls button")].find((button) => button.textContent.includes("echo")).click());
	await page.says("#state", /live/);
	assert.deepEqual(page.faults, []);
});

test("the newest connection is followed until another one is chosen, and again", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc", "CMD_floodme");
	await page.has("#streams-list [data-conn]", 2);
	await page.click("#streams-list [data-conn='2']"); /* the newest: nothing is pinned */
	await lab.run("pdc", "CMD_shrot");
	await page.says("#streams-title", /CMD_shrot/);
	await page.says("#streams-told.bad", /bad command, this is no command/);
	await page.click("#streams-list [data-conn='1']");
	await page.says("#streams-title", /#1 /);
	await lab.run("pdc", "CMD_short:0");
	await page.has("#streams-list [data-conn]", 4);
	await page.says("#streams-title", /#1 /);
	await page.click("#streams-newest");
	await page.says("#streams-title", /#4 /);
	assert.equal(await page.$eval("#streams-newest", (button) => button.hidden), true);
});

test("a client that takes nothing", options, async () => {
	const lab = await startLab("--set", "pmu.flood=4MiB"), page = await openPage(lab);
	const client = connect({ port: lab.env.PMULAB_PMU_PORT, host: "127.0.0.1" }, () => client.write("CMD_floodme")).pause();
	await page.says("#streams-told", /the client takes nothing: [\d,]+ of 4,194,304 bytes/);
	await page.has("#streams-stage rect.partial[data-call='1']", 1);
	client.resume();
	await page.says("#streams-sum", /^1 send\(\) call → [\d,]+ segments → 4,194,304 bytes/);
	await page.has("#streams-stage rect.partial", 0);
});

test("a scenario that somebody else has begun is shown, and can be ended", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await lab.call("POST", "v1/scenario", [{ set: { "pmu.messages": 5 } }, { after: "1h" }]);
	await page.says("#controls", /End the scenario: 1 of 2 done, next in 3\d\d\d s/);
	await page.reload();
	await page.says("#controls", /End the scenario/);
	await page.evaluate(() => [...document.querySelectorAll("#controls button")].find((button) => button.textContent.includes("End the scenario")).click());
	await until(async () => !(await lab.call("GET", "v1/scenario")).running, "the scenario's end");
	await page.says("#controls", /^((?!End the scenario).)*$/);
});

test("udp-print has its own picture and controls", options, async () => {
	const lab = await startLab("--set", "reset.family=4", "--set", "udp-print.loss=30%"), page = await openPage(lab);
	await lab.run("pdc-reset", "-4", "-t", "0.02");
	await lab.run("udp-send", "O Romeo");
	await tab(page, "datagrams");
	await page.says("#ways-stage svg", /OFFSET/);
	await page.evaluate(() => [...document.querySelectorAll("#ways-choice button")].find((button) => button.textContent === "udp-print").click());
	await page.says("#ways-stage svg", /O Romeo/);
	assert.equal(await page.$eval("[data-key='udp-print.loss'] [aria-label='Loss as text']", (input) => input.value), "30%");
	assert.deepEqual(await page.$$eval("#ways-side .card", (cards) => cards.filter((card) => !card.hidden).length), 1);
	await page.reload();
	await page.says("#ways-stage svg", /O Romeo/);
	/* Where it runs alone, nothing is to be chosen; where nothing runs, that is said. */
	const alone = await openPage(await startLab("udp-print"));
	await tab(alone, "datagrams");
	await alone.says("#ways-none", /udp-send/);
	await alone.waitForSelector("[data-key='udp-print.loss']");
	assert.equal(await alone.$eval("#ways-choice", (choice) => choice.hidden), true);
	const none = await openPage(await startLab("pmu"));
	await tab(none, "datagrams");
	await none.says("#ways-none", /do not run in this lab/);
	assert.equal(await none.count("#controls .control"), 0);
	assert.deepEqual([page.faults, alone.faults, none.faults], [[], [], []]);
});

test("the station's answer stands among its lines", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	const say = async (id, count) => {
		const speaker = lab.start("tv-send", "--id", id);
		speaker.input.end("a".repeat(count) + "\n");
		await speaker.end;
	};
	await tab(page, "station");
	await say("123456", 300);
	await page.says("#participants", /123456300 of 300 characters.*one more brings the answer/);
	await say("654321", 301);
	await page.says("#subtitles .answer", /^→ @654321: /);
	await page.says("#participants", /654321301 of 600 characters.*answered/);
});

test("the log: follows only at its end, and what it shows can be saved", options, async () => {
	const lab = await startLab("--set", "tv.interval=50ms"), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc", "CMD_short:0");
	await tab(page, "log");
	await page.says("#log-count", /following/);
	await page.$eval("#log-rows", (box) => (box.scrollTop = 0));
	await page.says("#log-count", /^\d+ of \d+$/);
	const seen = await page.$eval("#log-rows [data-seq]", (row) => row.dataset.seq), before = await page.text("#log-count");
	await page.waitForFunction((text) => document.querySelector("#log-count").textContent !== text, { polling: "mutation" }, before);
	assert.equal(await page.$eval("#log-rows [data-seq]", (row) => row.dataset.seq), seen);
	await page.click("#log-end");
	await page.says("#log-count", /following/);
	await page.select("#log-filter", "streams");
	const saved = await page.evaluate(async () => {
		let blob;
		URL.createObjectURL = (given) => ((blob = given), "data:,");
		document.querySelector("#log-export").click();
		return [blob.type, await blob.text()];
	});
	const events = saved[1].trim().split("\n").map((line) => JSON.parse(line));
	assert.equal(saved[0], "application/x-ndjson");
	assert.deepEqual([events.filter(({ event }) => event === "send").length, events.every(({ conn }) => conn)], [40, true]);
	await page.select("#log-filter", "all but the station");
	await page.says("#log-count", /^5\d of/);
});

test("a connection that breaks is taken up again without a gap", options, async () => {
	const lab = await startLab(), page = await openPage(lab, { before: breakable });
	await page.says("#state", /live/);
	await page.evaluate(() => breakable.cut());
	await page.says("#state", /gone/);
	await lab.run("pdc", "CMD_short:0");
	assert.equal(await page.count("#streams-stage rect[data-segment]"), 0);
	await page.evaluate(() => breakable.mend());
	await page.says("#state", /live/);
	await page.has("#streams-stage rect[data-segment]", 2);
	/* Nothing is missing, and nothing came twice. */
	assert.match(await page.evaluate(() => breakable.resumed), /^[1-9]\d*$/);
	await tab(page, "log");
	const { events: { next } } = await lab.call("GET", "v1/status");
	await page.waitForFunction((seq) => Number(document.documentElement.dataset.seq) >= seq, { polling: "mutation" }, next - 1);
	await page.waitForFunction(() => /^([\d,]+) of \1,/.test(document.querySelector("#log-count").textContent), { polling: "mutation" });
	const [all, seq] = await page.evaluate(() => [parseInt(document.querySelector("#log-count").textContent.replaceAll(",", "")), Number(document.documentElement.dataset.seq)]);
	assert.equal(all, seq);
});

test("a laptop that slept comes back", options, async () => {
	const lab = await startLab(), page = await openPage(lab, { before: breakable });
	await lab.run("pdc", "CMD_short:0");
	await page.has("#streams-stage rect[data-segment]", 2);
	assert.equal(await page.evaluate(() => breakable.resumed), "");
	/* An hour later: the stream looks alive, and nobody knows. */
	await page.evaluate(() => {
		const real = Date.now;
		Date.now = () => real() + 3600000;
		document.dispatchEvent(new Event("visibilitychange"));
	});
	await page.waitForFunction(() => Number(breakable.resumed) > 0, { polling: 50 });
	await page.says("#state", /live/);
	await lab.run("pdc", "CMD_floodme");
	await page.has("#streams-stage rect[data-segment]", 40);
	await page.has("#streams-list [data-conn]", 2);
});

test("the printed address opens from a link on another site, too", options, async () => {
	const lab = await startLab(), other = createServer((_, answer) => answer.setHeader("Content-Type", "text/html")
		.end(`<a href="${lab.url.replace("&", "&amp;")}">the lab</a>`)).listen(0, "localhost");
	try {
		await once(other, "listening");
		const page = await openPage(lab, { url: `http://localhost:${other.address().port}/` });
		await page.click("a");
		await page.says("#state", /live/);
		assert.match(page.url(), new RegExp(`^${lab.base}[0-9a-f]{16}/$`));
	} finally {
		other.close();
	}
});

test("another lab at the same address: the page says that it wants another key, and with that begins anew", options, async () => {
	const first = await startLab(), page = await openPage(first);
	await first.run("pdc", "CMD_short:0");
	await page.has("#streams-list [data-conn]", 1);
	await first.stop("SIGKILL");
	await page.says("#state", /gone/);
	const second = await startLab(`--page=127.0.0.1:${new URL(first.url).port}`);
	await page.says("#state", /another key/);
	await page.has("#streams-list [data-conn]", 1);
	await page.goto(second.url);
	await page.says("#state", /live/);
	await page.has("#streams-list [data-conn]", 0);
	await page.says("#streams-title", /No connection yet/);
});

test("the server is cut: the page says so, and keeps what it has", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await page.has("#streams-stage rect[data-segment]", 2);
	await lab.stop("SIGKILL");
	await page.says("#state", /the lab is gone/);
	assert.equal(await page.count("#streams-stage rect[data-segment]"), 2);
	await picture(page, "gone");
});

test("what students send is text", options, async () => {
	const lab = await startLab("--set", "tv.interval=1s", "--set", "reset.family=both"), page = await openPage(lab);
	await page.evaluate(() => (window.hit = false));
	await lab.run("pdc", "<script>window.hit=1</script>");
	await page.says("#streams-title", /<script>window.hit=1<\/script>/);
	const speaker = lab.start("tv-send", "--id", "<b>x\"&");
	speaker.input.end("<img src=x onerror='window.hit=1'>\u202e\n");
	await speaker.end;
	const socket = createSocket("udp4").unref();
	socket.send("<a><script>1", lab.env.PMULAB_RESET_PORT, "127.0.0.1", () => socket.close());
	await tab(page, "datagrams");
	await page.says("#ways-stage svg", /<a><script>1/);
	assert.equal(await page.count("main a"), 0);
	await tab(page, "station");
	await page.says("#participants", /<img src=x onerror=/);
	await tab(page, "log");
	await page.says("#log-rows", /<img src=x/);
	assert.equal(await page.evaluate(() => window.hit), false);
	assert.equal(await page.count("main img, main script"), 0);
	assert.deepEqual(page.faults, []);
});

test("by keys alone", options, async () => {
	const lab = await startLab("--set", "reset.family=both"), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await page.has("#streams-stage rect[data-segment]", 2);
	/* To the picture, through the tabs and buttons. */
	for (let i = 0; i < 8 && await page.evaluate(() => document.activeElement.id) !== "streams-stage"; i++)
		await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement.id), "streams-stage");
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
	/* A choice takes no key for its own that leads elsewhere. */
	await page.focus("[data-key='reset.family'] select");
	await page.keyboard.press("4");
	await page.waitForSelector("#log:not([hidden])");
	assert.equal((await lab.call("GET", "v1/config/reset.family")).value, "both");
	await page.keyboard.press("2");
	await page.waitForSelector("#datagrams:not([hidden])");
	/* The slider. */
	await page.focus("[aria-label='Loss in per cent']");
	await page.keyboard.press("End");
	await until(async () => (await lab.call("GET", "v1/config/reset.loss")).value === "100%");
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

test("from the log to the picture", options, async () => {
	const lab = await startLab("--set", "reset.family=both"), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "30");
	await tab(page, "log");
	await page.type("#log-search", "\"n\":3,");
	await page.waitForFunction(() => document.querySelectorAll("#log-rows [data-seq]").length > 0);
	await page.select("#log-filter", "datagrams");
	await page.locator("#log-rows [data-seq]").click();
	await page.waitForSelector("#datagrams:not([hidden])");
	await page.waitForSelector("#ways-stage .hit.current");
	await page.says("#ways-told", /^Re(quest|ply) 3 /);
	await tab(page, "log");
	await page.$eval("#log-search", (input) => (input.value = ""));
	await page.type("#log-search", "\"i\":7,");
	await page.select("#log-filter", "streams");
	await page.has("#log-rows [data-seq]", 1);
	await page.locator("#log-rows [data-seq]").click();
	await page.waitForSelector("#streams-stage rect.current[data-call='7']");
});

test("axe finds nothing", options, async () => {
	const lab = await startLab("--set", "tv.interval=50ms", "--set", "reset.family=both"), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "30");
	const speaker = lab.start("tv-send", "--id", "123456");
	speaker.input.end("What a piece of work is a man!\n");
	await speaker.end;
	const found = [];
	for (const dark of [false, true])
		for (const view of ["streams", "datagrams", "station", "log"]) {
			await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
			await tab(page, view);
			await page.waitForSelector(`#${view}:not([hidden])`);
			/* In a world of its own, where the page's policy does not forbid it. */
			const client = await page.createCDPSession();
			const { frameTree } = await client.send("Page.getFrameTree");
			const { executionContextId: contextId } = await client.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
			await client.send("Runtime.evaluate", { contextId, expression: axe });
			const { result } = await client.send("Runtime.evaluate", { contextId, awaitPromise: true, returnByValue: true,
				expression: "axe.run().then(({violations}) => violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => n.target + ' ' + n.failureSummary).join(' | ')}`))" });
			found.push(...result.value.map((line) => `${view} ${dark ? "dark" : "light"}: ${line}`));
		}
	assert.deepEqual(found, []);
});

test("10,000 events a second do not freeze it", options, async () => {
	const lab = await startLab();
	for (const view of ["streams", "datagrams", "log"]) {
		const page = await openPage(lab, { before: invented });
		await tab(page, view);
		const client = await page.createCDPSession();
		await client.send("Performance.enable", { timeDomain: "threadTicks" });
		const busy = async () => (await client.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration").value * 1000;
		const before = await busy();
		const { frames, still, missing } = await page.evaluate(async (which) => {
			const stream = await window.invented, encoder = new TextEncoder(), frame = () => new Promise(requestAnimationFrame);
			const peer = (n) => `127.0.0.1:${n % 60000}`;
			const make = (seq) => {
				const t = seq / 10000, n = Math.ceil(seq / 2), conn = Math.ceil(seq / 20), i = (seq - 1) % 20 + 1;
				if (which === "streams")
					return { t, seq, event: "send", endpoint: "pmu", conn, peer: "127.0.0.1:1", i, bytes: 18, sent: 18, calls: 1, segments: 1, left: 18, waiting: (i - 1) * 18, acked: 18 };
				const datagram = { t, seq, endpoint: "reset", peer: peer(n), family: 4, n };
				return seq % 2 ? { ...datagram, event: "receive", bytes: 8, text: "RESET:20" } :
					{ ...datagram, event: "drop", direction: "request", reason: "loss", model: "random", drawn: 0.25, state: null };
			};
			const began = performance.now();
			let frames = 0, still = true;
			for (let seq = 0, now = began; now - began < 3000; frames++) {
				now = await frame();
				if (frames === 20)
					still = document.getAnimations().length === 0;
				let text = "";
				while (seq < (now - began) * 10)
					text += `id: ${++seq}\ndata: ${JSON.stringify(make(seq))}\n\n`;
				if (text)
					stream.enqueue(encoder.encode(text));
				window.sent = seq;
			}
			while (Number(document.documentElement.dataset.seq) < window.sent && performance.now() - began < 8000)
				await frame();
			return { frames, still, missing: window.sent - Number(document.documentElement.dataset.seq) };
		}, view);
		const work = (await busy() - before) / frames;
		console.log(`${view}: ${frames} frames in 3 s, ${work.toFixed(0)} ms of work in each`);
		assert.equal(missing, 0);
		assert.ok(still, `${view}: what nobody can follow is animated`);
		/* The page's own time is what it answers for. How long a frame takes is the machine's too: tests/bench/frames.mjs. */
		assert.ok(work < 25, `${view}: ${work.toFixed(0)} ms of work for a frame`);
		await page.says({ streams: "#streams-list", datagrams: "#ways-told", log: "#log-count" }[view], /folded|no longer here/);
		await page.browser().close();
	}
});

test("tests/bench/frames.mjs measures each view", options, async () => {
	const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, "tests/bench/frames.mjs"), "0.3", "50"]);
	const rows = stdout.trim().split("\n").slice(2).map((line) => line.split("|").map((cell) => cell.trim()));
	assert.deepEqual(rows.map(([, view]) => view), ["streams, nothing happens", "streams", "datagrams", "station", "log"]);
	for (const [, , , frames, , , , , answered] of rows.slice(1))
		assert.ok(frames > 0 && answered === "15", stdout);
});

for (const [width, height] of [[1280, 720], [1920, 1080]])
	for (const dark of [false, true])
		test(`pictures at ${width}x${height}, ${dark ? "dark" : "light"}: nothing is cut off`, options, async () => {
			const lab = await startLab("--set", "tv.interval=100ms", "--set", "reset.family=both"), page = await openPage(lab, { width, height, dark });
			await lab.run("pdc", "CMD_short:0");
			await page.has("#streams-stage rect[data-segment]", 2);
			await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "60");
			for (const view of ["streams", "datagrams", "station", "log"]) {
				await tab(page, view);
				await page.waitForSelector(`#${view}:not([hidden])`);
				await page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished)));
				assert.deepEqual(await cutOff(page), [], view);
				await picture(page, `${view}-${width}x${height}-${dark ? "dark" : "light"}`);
			}
		});
