/* The picture of the datagrams: arrows, the clock, what was lost, the fates to come. */
import assert from "node:assert/strict";
import { after, test } from "node:test";

import { closeAll, DEADLINE, openPage, picture, startLab, until } from "./support.mjs";

const options = { timeout: 6 * DEADLINE };

after(closeAll);

test("the loss is dragged to 100 %, and a client gives up", options, async () => {
	const lab = await startLab("--set", "reset.loss=none", "--set", "reset.family=both");
	const page = await openPage(lab);
	const loss = async () => (await lab.call("GET", "v1/config/reset.loss")).value;
	await page.tab("datagrams");
	await page.waitForSelector("[aria-label='Loss in per cent']");
	await lab.run("pdc-reset", "-4", "--tries", "3");
	await page.has("#ways-stage [data-direction=reply]", 1);
	const slider = await page.$("[aria-label='Loss in per cent']");
	const { x, y, width, height } = await slider.boundingBox();
	await page.mouse.move(x + 8, y + height / 2);
	await page.mouse.down();
	await page.mouse.move(x + width - 1, y + height / 2, { steps: 8 });
	await page.mouse.up();
	await until(async () => await loss() === "100%", "a loss of 100 %");
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
	assert.equal(await loss(), "none");
	assert.deepEqual(page.faults, []);
});

test("a lost answer moves the clock twice, and that is red and said", options, async () => {
	const lab = await startLab("--set", "reset.loss=first:1", "--set", "reset.direction=reply",
		"--set", "reset.family=both");
	const page = await openPage(lab);
	await page.tab("datagrams");
	await lab.run("pdc-reset", "-4", "-t", "0.05", "--tries", "3");
	await page.says("#clock-why", /one request moved it twice/);
	assert.ok(await page.$("#clock-card.twice"));
	await page.says("#lost-name", /Replies/);
	await picture(page, "twice");
});

test("the fates to come are those that come", options, async () => {
	const lab = await startLab("--set", "reset.family=both"), page = await openPage(lab);
	const first20 = (selector) => page.$$eval(selector, (list) =>
		list.slice(0, 20).map((rect) => rect.classList.contains("lost")));
	await page.tab("datagrams");
	await page.has("#ribbon [data-next]", 50);
	const promised = await first20("#ribbon [data-next]");
	await lab.run("pdc-reset", "-4", "-t", "0.02", "--runs", "20");
	await page.waitForSelector("#ribbon [data-n='20']");
	const came = await first20("#ribbon [data-n]");
	assert.deepEqual(came, promised);
	assert.ok(came.includes(true) && came.includes(false));
});

test("udp-print has its own picture and controls", options, async () => {
	const lab = await startLab("--set", "reset.family=4", "--set", "udp-print.loss=30%");
	const page = await openPage(lab);
	const loss = "[data-key='udp-print.loss']";
	await lab.run("pdc-reset", "-4", "-t", "0.02");
	await lab.run("udp-send", "O Romeo");
	await page.tab("datagrams");
	await page.says("#ways-stage svg", /OFFSET/);
	await page.press("#ways-choice button", "udp-print");
	await page.says("#ways-stage svg", /O Romeo/);
	const text = `${loss} [aria-label='Loss as text']`;
	assert.equal(await page.$eval(text, (input) => input.value), "30%");
	const shown = (cards) => cards.filter((card) => !card.hidden).length;
	assert.deepEqual(await page.$$eval("#ways-side .card", shown), 1);
	await page.reload();
	await page.says("#ways-stage svg", /O Romeo/);
	/* Where udp-print runs alone there is no choice; where no server runs, the page says so. */
	const alone = await openPage(await startLab("udp-print"));
	await alone.tab("datagrams");
	await alone.says("#ways-none", /udp-send/);
	await alone.waitForSelector(loss);
	assert.equal(await alone.$eval("#ways-choice", (choice) => choice.hidden), true);
	const none = await openPage(await startLab("pmu"));
	await none.tab("datagrams");
	await none.says("#ways-none", /do not run in this lab/);
	assert.equal(await none.count("#controls .control"), 0);
	assert.deepEqual([page.faults, alone.faults, none.faults], [[], [], []]);
});
