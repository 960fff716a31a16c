/* The page's speed: how long it works for a frame while many events come. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";

import { closeAll, DEADLINE, openPage, ROOT, startLab } from "./support.mjs";

const options = { timeout: 6 * DEADLINE };

after(closeAll);

/* Runs in the page before its own modules: instead of a lab's events the page gets those that the
   test writes into the stream `window.invented`. */
function invented() {
	const real = window.fetch;
	window.invented = new Promise((begin) => {
		window.fetch = async (where, how) => {
			if (where === "v1/status") {
				const events = { first: 1, next: 1 };
				return Response.json({ seed: 1, uptime: 0, events, endpoints: [] });
			}
			if (where !== "v1/events")
				return real(where, how);
			return new Response(new ReadableStream({ start: begin }));
		};
	});
}

/* Runs in the page: makes the events, of connections ("streams") or of datagrams. */
function inventEvents() {
	const send = (seq) => {
		const i = (seq - 1) % 20 + 1;
		return {
			event: "send", endpoint: "pmu", conn: Math.ceil(seq / 20),
			peer: "127.0.0.1:1", i, bytes: 18, sent: 18, calls: 1,
			segments: 1, left: 18, waiting: (i - 1) * 18, acked: 18,
		};
	};
	const datagram = (seq) => {
		const n = Math.ceil(seq / 2), peer = `127.0.0.1:${n % 60000}`;
		const both = { endpoint: "reset", peer, family: 4, n };
		if (seq % 2)
			return { ...both, event: "receive", bytes: 8, text: "RESET:20" };
		return {
			...both, event: "drop", direction: "request", reason: "loss",
			model: "random", drawn: 0.25, state: null,
		};
	};
	window.inventEvent = (view, seq) =>
		({ t: seq / 10000, seq, ...(view === "streams" ? send : datagram)(seq) });
}

/* Runs in the page: 10,000 events a second for 3 s; waits until the page has taken them in. */
async function flood(view) {
	const stream = await window.invented, encoder = new TextEncoder();
	const nextFrame = () => new Promise(requestAnimationFrame);
	const shown = () => Number(document.documentElement.dataset.seq);
	const began = performance.now();
	let frames = 0, still = true, seq = 0;
	for (let now = began; now - began < 3000; frames++) {
		now = await nextFrame();
		if (frames === 20)
			still = document.getAnimations().length === 0;
		let text = "";
		while (seq < (now - began) * 10) {
			const event = window.inventEvent(view, ++seq);
			text += `id: ${seq}\ndata: ${JSON.stringify(event)}\n\n`;
		}
		if (text)
			stream.enqueue(encoder.encode(text));
	}
	while (shown() < seq && performance.now() - began < 8000)
		await nextFrame();
	return { frames, still, missing: seq - shown() };
}

test("10,000 events a second do not freeze it", options, async () => {
	const lab = await startLab();
	const folds = { streams: "#streams-list", datagrams: "#ways-told", log: "#log-count" };
	for (const [view, fold] of Object.entries(folds)) {
		const page = await openPage(lab, { before: invented });
		await page.tab(view);
		await page.evaluate(inventEvents);
		const client = await page.createCDPSession();
		await client.send("Performance.enable", { timeDomain: "threadTicks" });
		const busy = async () => { /* milliseconds of the page's thread */
			const { metrics } = await client.send("Performance.getMetrics");
			return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
		};
		const before = await busy();
		const { frames, still, missing } = await page.evaluate(flood, view);
		const work = (await busy() - before) / frames;
		const said = `${work.toFixed(0)} ms of work for a frame`;
		console.log(`${view}: ${frames} frames in 3 s, ${said}`);
		assert.equal(missing, 0);
		assert.ok(still, `${view}: what nobody can follow is animated`);
		/* Only the page's own time counts here. How long a frame takes depends on the
		   machine too: tests/bench/frames.mjs. */
		assert.ok(work < 25, `${view}: ${said}`);
		await page.says(fold, /folded|no longer here/);
		await page.browser().close();
	}
});

test("tests/bench/frames.mjs measures each view", options, async () => {
	const program = join(ROOT, "tests/bench/frames.mjs");
	const { stdout } = await promisify(execFile)(process.execPath, [program, "0.3", "50"]);
	const cellsOf = (line) => line.split("|").map((cell) => cell.trim());
	const rows = stdout.trim().split("\n").slice(2).map(cellsOf);
	const views = ["streams, nothing happens", "streams", "datagrams", "station", "log"];
	assert.deepEqual(rows.map(([, view]) => view), views);
	for (const [, , , frames, , , , , answered] of rows.slice(1))
		assert.ok(frames > 0 && answered === "15", stdout);
});
