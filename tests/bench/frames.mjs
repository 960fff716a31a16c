#!/usr/bin/env node
/*
 * How long the page's frames take while a lab is busy: 500 clients a second with CMD_short:0, some 11,000 events, beside
 * a page at which nothing happens. One row a view; milliseconds.
 *
 *     scripts/test --suite browser                      # once: installs what is missing
 *     tests/bench/frames.mjs [SECONDS [CLIENTS-A-SECOND]]
 */
import { connect } from "node:net";

import { closeAll, openPage, startLab } from "../browser/support.mjs";

const [seconds = 5, rate = 500] = process.argv.slice(2).map(Number);

/* In the page: the time from each frame to the next, until it is told to stop. */
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

/* Clients that begin by the clock, whatever the lab does; how many of them were answered in full. */
async function clients(lab) {
	let done = 0, begun = 0;
	const began = performance.now(), one = () => new Promise((over) => {
		let bytes = 0;
		const peer = connect(lab.env.PMULAB_PMU_PORT, lab.env.PMULAB_HOST, () => peer.write("CMD_short:0"));
		peer.on("data", (data) => (bytes += data.length)).on("error", over).on("close", () => over(done += bytes === 371));
	});
	const all = [];
	await new Promise((over) => {
		const timer = setInterval(() => {
			const passed = (performance.now() - began) / 1000;
			for (; begun < Math.min(passed, seconds) * rate; begun++)
				all.push(one());
			if (passed >= seconds) {
				clearInterval(timer);
				over();
			}
		}, 5);
	});
	await Promise.all(all);
	return done;
}

const nothing = () => new Promise((over) => setTimeout(over, seconds * 1000));

console.log("| view | events/s | frames/s | median | 99 % | longest | over 50 ms | answered |\n|---|---:|---:|---:|---:|---:|---:|---:|");
for (const [view, load] of [["streams", nothing], ["streams", clients], ["datagrams", clients], ["station", clients], ["log", clients]]) {
	const lab = await startLab(), page = await openPage(lab);
	await page.says("#state", /live/);
	await page.click(`#tab-${view}`);
	const { events: { next: before } } = await lab.call("GET", "v1/status");
	await page.evaluate(watchFrames);
	const began = performance.now(), answered = await load(lab), took = (performance.now() - began) / 1000;
	const times = (await page.evaluate(() => window.frameTimes())).sort((a, b) => a - b);
	const { events: { next } } = await lab.call("GET", "v1/status");
	const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(0);
	console.log(`| ${view}${load === nothing ? ", nothing happens" : ""} | ${((next - before) / took).toFixed(0)} | ${(times.length / took).toFixed(0)} | ` +
		`${at(0.5)} | ${at(0.99)} | ${at(1)} | ${times.filter((time) => time > 50).length} | ${load === nothing ? "" : answered} |`);
	await page.browser().close();
	await lab.stop();
}
await closeAll();
