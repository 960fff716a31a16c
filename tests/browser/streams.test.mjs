/* The picture of the streams: send() calls, segments, acknowledgements, the list of connections. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, test } from "node:test";

import { closeAll, cutOff, DEADLINE, openPage, startLab } from "./support.mjs";

const options = { timeout: 6 * DEADLINE };

after(closeAll);

test("2 and 20 segments appear as 2 and 20 elements", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await page.says("#state", /live/);
	await lab.run("pdc", "CMD_short:0");
	await page.has("#streams-stage rect[data-segment]", 2);
	assert.equal(await page.count("#streams-stage rect[data-call]"), 20);
	const sum = /^20 send\(\) calls → 2 segments → \d+ bytes acknowledged$/;
	await page.says("#streams-sum", sum);
	await lab.run("pdc", "CMD_short:0.03");
	await page.has("#streams-stage rect[data-segment]", 20);
	assert.equal(await page.count("#streams-stage rect[data-call]"), 20);
	await lab.run("pdc", "CMD_floodme");
	await page.has("#streams-stage rect[data-segment]", 40);
	assert.equal(await page.count("#streams-stage rect[data-call]"), 1);
	assert.deepEqual(await cutOff(page), []); /* though the footer tells of a long event */
	/* An older connection, by a click; the item under the mouse is told. */
	await page.click("#streams-list [data-conn='1']");
	await page.has("#streams-stage rect[data-segment]", 2);
	await page.hover("#streams-stage rect[data-segment='2']");
	const told = /^Segment 2: 353 bytes, had left \d+(\.\d+)? (ms|s|µs) after the beginning/;
	await page.says("#streams-told", told);
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

test("the newest connection is followed until another one is chosen, and again",
	options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await lab.run("pdc", "CMD_short:0");
	await lab.run("pdc", "CMD_floodme");
	await page.has("#streams-list [data-conn]", 2);
	await page.click("#streams-list [data-conn='2']"); /* the newest: it is still followed */
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
	const address = { port: lab.env.PMULAB_PMU_PORT, host: "127.0.0.1" };
	const client = connect(address, () => client.write("CMD_floodme")).pause();
	await page.says("#streams-told", /the client takes nothing: [\d,]+ of 4,194,304 bytes/);
	await page.has("#streams-stage rect.partial[data-call='1']", 1);
	client.resume();
	await page.says("#streams-sum", /^1 send\(\) call → [\d,]+ segments → 4,194,304 bytes/);
	await page.has("#streams-stage rect.partial", 0);
});
