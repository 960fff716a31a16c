/* The page's connection to the lab: it breaks, sleeps, ends, or meets another lab. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, test } from "node:test";

import { closeAll, DEADLINE, openPage, picture, startLab } from "./support.mjs";

const options = { timeout: 6 * DEADLINE };

after(closeAll);

/* Runs in the page before its own modules: a network that can be cut and mended. */
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
	await page.tab("log");
	const { events: { next } } = await lab.call("GET", "v1/status");
	const hasCome = (seq) => Number(document.documentElement.dataset.seq) >= seq;
	await page.becomes(hasCome, next - 1);
	await page.says("#log-count", /^([\d,]+) of \1,/);
	const [all, seq] = await page.evaluate(() => {
		const count = document.querySelector("#log-count").textContent;
		return [
			parseInt(count.replaceAll(",", "")),
			Number(document.documentElement.dataset.seq),
		];
	});
	assert.equal(all, seq);
});

test("a laptop that slept comes back", options, async () => {
	const lab = await startLab(), page = await openPage(lab, { before: breakable });
	await lab.run("pdc", "CMD_short:0");
	await page.has("#streams-stage rect[data-segment]", 2);
	assert.equal(await page.evaluate(() => breakable.resumed), "");
	/* An hour later: the stream looks alive, and no event says that it is not. */
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
	const lab = await startLab();
	const link = `<a href="${lab.url.replace("&", "&amp;")}">the lab</a>`;
	const other = createServer((_, answer) =>
		answer.setHeader("Content-Type", "text/html").end(link)).listen(0, "localhost");
	try {
		await once(other, "listening");
		const url = `http://localhost:${other.address().port}/`;
		const page = await openPage(lab, { url });
		await page.click("a");
		await page.says("#state", /live/);
		assert.match(page.url(), new RegExp(`^${lab.base}[0-9a-f]{16}/$`));
	} finally {
		other.close();
	}
});

test("another lab at the same address: the page says that it wants another key, and with that " +
	"begins anew", options, async () => {
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
