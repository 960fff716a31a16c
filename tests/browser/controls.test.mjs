/* The controls: values that are refused, scenarios, pauses. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { closeAll, DEADLINE, openPage, startLab, until } from "./support.mjs";

const options = { timeout: 6 * DEADLINE };

after(closeAll);

test("bad values are refused in words; scenarios run; a pause lasts until it is ended",
	options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	const press = (text) => page.press("#controls button", text);
	await page.tab("datagrams");
	const box = await page.waitForSelector("[aria-label='Loss as text']");
	await box.click({ count: 3 });
	await page.keyboard.type("30\n");
	await page.says("#controls-said", /30%/);
	await box.click({ count: 3 });
	await page.keyboard.type("burst:30%,4\n");
	await page.says("#controls-said", /^$/);
	const loss = async () => (await lab.call("GET", "v1/config/reset.loss")).value;
	await until(async () => await loss() === "burst:30%,4");
	await press("Storm");
	await page.says("#controls", /End the scenario: 1 of 3 done/);
	await press("End the scenario");
	await page.says("#controls", /^((?!End the scenario).)*$/);
	await press("❚❚ reset");
	await page.says("#state", /paused: reset/);
	const { endpoints } = await lab.call("GET", "v1/status");
	assert.ok(endpoints.find((one) => one.endpoint === "reset").paused);
	await press("▶ reset");
	await page.says("#state", /live/);
});

test("a scenario that somebody else has begun is shown, and can be ended", options, async () => {
	const lab = await startLab(), page = await openPage(lab);
	await lab.call("POST", "v1/scenario", [{ set: { "pmu.messages": 5 } }, { after: "1h" }]);
	await page.says("#controls", /End the scenario: 1 of 2 done, next in 3\d\d\d s/);
	await page.reload();
	await page.says("#controls", /End the scenario/);
	await page.press("#controls button", "End the scenario");
	const runs = async () => (await lab.call("GET", "v1/scenario")).running;
	await until(async () => !await runs(), "the scenario's end");
	await page.says("#controls", /^((?!End the scenario).)*$/);
});
