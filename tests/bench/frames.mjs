#!/usr/bin/env node
/*
 * How long the page's frames take while a lab is busy with 500 clients a second, CMD_short:0, some
 * 11,000 events; beside it the same while nothing happens. One row for each picture; milliseconds.
 *
 *     scripts/test --suite browser                      # once: installs what is missing
 *     tests/bench/frames.mjs [SECONDS [CLIENTS-A-SECOND]]
 */
import { connect } from "node:net";

import { closeAll, openPage, startLab } from "../browser/support.mjs";

const [seconds = 5, rate = 500] = process.argv.slice(2).map(Number);

/* Runs in the page: measures the time from each frame to the next, until frameTimes() is called. */
function watchFrames() {
	const times = [];
	let last = performance.now(), going = true;
	requestAnimationFrame(function frame(now) {
		times.push(now - last);
		last = now;
		if (going)
			requestAnimationFrame(frame);
	});
	window.frameTimes = () => {
		going = false;
		return times.slice(1);
	};
}

/* One client; true: it was answered in full. */
const client = (lab) => new Promise((over) => {
	const { PMULAB_PMU_PORT: port, PMULAB_HOST: host } = lab.env;
	let bytes = 0;
	const peer = connect(port, host, () => peer.write("CMD_short:0"));
	peer.on("data", (data) => (bytes += data.length));
	peer.on("error", () => {}); /* "close" follows */
	peer.on("close", () => over(bytes === 371));
});

/* Starts clients by the clock, however busy the lab is; how many of them were answered in full. */
async function clients(lab) {
	const began = performance.now(), all = [];
	await new Promise((over) => {
		const timer = setInterval(() => {
			const passed = (performance.now() - began) / 1000;
			while (all.length < Math.min(passed, seconds) * rate)
				all.push(client(lab));
			if (passed >= seconds) {
				clearInterval(timer);
				over();
			}
		}, 5);
	});
	const answered = await Promise.all(all);
	return answered.filter(Boolean).length;
}

const nothing = () => new Promise((over) => setTimeout(over, seconds * 1000));

async function measure(view, load) {
	const lab = await startLab(), page = await openPage(lab);
	await page.says("#state", /live/);
	await page.tab(view);
	const { events: { next: before } } = await lab.call("GET", "v1/status");
	await page.evaluate(watchFrames);
	const began = performance.now(), answered = await load(lab);
	const took = (performance.now() - began) / 1000;
	const times = (await page.evaluate(() => window.frameTimes())).sort((a, b) => a - b);
	const { events: { next } } = await lab.call("GET", "v1/status");
	const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
	await page.browser().close();
	await lab.stop();
	return [
		load === nothing ? `${view}, nothing happens` : view,
		((next - before) / took).toFixed(0),
		(times.length / took).toFixed(0),
		at(0.5).toFixed(0),
		at(0.99).toFixed(0),
		at(1).toFixed(0),
		times.filter((time) => time > 50).length,
		load === nothing ? "" : answered,
	];
}

const row = (cells) => console.log(`| ${cells.join(" | ")} |`);
const columns = ["events/s", "frames/s", "median", "99 %", "longest", "over 50 ms", "answered"];

row(["view", ...columns]);
console.log(`|---|${"---:|".repeat(columns.length)}`);
row(await measure("streams", nothing));
for (const view of ["streams", "datagrams", "station", "log"])
	row(await measure(view, clients));
await closeAll();
