/* The model, without a browser: it takes in events and makes a picture of the lab. */
import assert from "node:assert/strict";
import { test } from "node:test";

import {
	modelAdd,
	modelClear,
	modelCreate,
	modelRead,
	modelStatus,
} from "../../servers/control/page/model.js";
import { nextFamily, observed } from "../../servers/control/page/model_datagrams.js";
import { segmentCount } from "../../servers/control/page/model_streams.js";
import { lineSplitter } from "../../servers/control/page/source.js";
import { geometric, lossOf, passOf, wilson } from "../../servers/control/page/stats.js";

/** The model after these events, which get their times and numbers in order. */
function read(...events) {
	const model = modelCreate();
	events.forEach((event, i) => modelAdd(model, { t: i / 1000, seq: i + 1, ...event }));
	return model;
}

const conn = (event, more) =>
	({ event, endpoint: "pmu", conn: 1, peer: "127.0.0.1:4711", ...more });
const send = (i, bytes, segments, left, waiting, acked = 0) =>
	conn("send", { i, bytes, sent: bytes, calls: 1, segments, left, waiting, acked });
const close = (segments_out, left, more) => conn("close", {
	first: "server",
	why: "done",
	messages: 3,
	bytes_out: left,
	segments_out,
	left,
	acked: left,
	...more,
});
const spans = (list) => list.map(({ from, to }) => [from, to]);

test("blocks flow together: the first leaves alone, the others in one segment when the " +
	"connection closes", () => {
	const one = read(
		conn("open"),
		conn("command", { text: "CMD_short:0", kind: "short" }),
		send(1, 18, 1, 18, 0, 18),
		send(2, 18, 1, 18, 18, 18),
		send(3, 18, 1, 18, 36, 18),
		close(2, 54),
	).conns.get(1);
	assert.deepEqual(spans(one.calls), [[0, 18], [18, 36], [36, 54]]);
	assert.deepEqual(spans(one.segments), [[0, 18], [18, 54]]);
	assert.deepEqual(spans(one.acks), [[0, 18], [18, 54]]);
	assert.equal(segmentCount(one), 2);
});

test("what was held leaves with the next call, and that call by itself: two segments", () => {
	const one = read(
		send(1, 18, 1, 18, 0),
		send(2, 18, 1, 18, 18),
		send(3, 19, 1, 18, 37),
		send(4, 19, 3, 74, 0),
	).conns.get(1);
	assert.deepEqual(spans(one.segments), [[0, 18], [18, 55], [55, 74]]);
});

test("a flood is full segments and a rest", () => {
	const one = read(send(1, 57344, 39, 56472, 872), close(40, 57344)).conns.get(1);
	assert.equal(one.segments.length, 40);
	assert.deepEqual(one.segments[0], { ...one.segments[0], from: 0, to: 1448 });
	assert.deepEqual(spans(one.segments).at(-1), [56472, 57344]);
	/* The same where the kernel had sent all of it before its count was read. */
	const early = read(send(1, 57344, 40, 57344, 0)).conns.get(1);
	assert.deepEqual(spans(early.segments).at(-1), [56472, 57344]);
});

test("a handshake is no message, nor is a goodbye", () => {
	const events = [send(1, 18, 2, 149, 0), send(2, 18, 2, 149, 20), close(4, 173)];
	const one = read(...events.map((event) => ({ ...event, endpoint: "pmu-ws" }))).conns.get(1);
	assert.deepEqual([one.base, one.before], [129, 1]);
	assert.deepEqual(spans(one.calls), [[129, 149], [149, 169]]);
	const goodbye = [169, 173];
	assert.deepEqual(spans(one.segments), [[129, 149], [149, 169], goodbye]);
	assert.equal(one.segments[0].k, 2);
});

test("only WebSocket's frames have a longer header above 125 bytes", () => {
	const bases = ["pmu-tls", "pmu-ws", "pmu-wss"].map((endpoint) =>
		read({ ...send(1, 200, 2, 1000, 0), endpoint }).conns.get(1).base);
	assert.deepEqual(bases, [1000 - 222, 1000 - 204, 1000 - 226]);
});

test("files of before, without bytes that left", () => {
	const old = (i, bytes, segments) =>
		conn("send", { i, bytes, sent: bytes, calls: 1, segments });
	const one = read(
		old(1, 10, 1),
		old(2, 30, 1),
		conn("close", { messages: 2, bytes_out: 40, segments_out: 2 }),
	).conns.get(1);
	assert.deepEqual(spans(one.segments), [[0, 10], [10, 40]]);
});

test("of older connections only the sums are kept", () => {
	const events = [send(1, 18, 1, 18, 0), send(2, 18, 2, 36, 0)];
	const eventsOf = (id) => events.map((event) => ({ ...event, conn: id }));
	const model = read(...Array.from({ length: 62 }, (_, i) => eventsOf(i + 1)).flat());
	const sums = (one) => [one.folded, one.calls.length, segmentCount(one), one.callCount];
	assert.deepEqual(sums(model.conns.get(1)), [true, 0, 2, 2]);
	assert.deepEqual(sums(model.conns.get(62)), [false, 2, 2, 2]);
});

test("lines come in any pieces", () => {
	const lines = [], split = lineSplitter((line) => lines.push(line));
	for (const piece of ["id: 1\nda", "ta: {}\n", "\n", "data: x"])
		split(piece);
	assert.deepEqual(lines, ["id: 1", "data: {}", ""]);
});

const peer = "127.0.0.1:5000";
const datagram = (event, n, more) => ({ event, endpoint: "reset", peer, family: 4, n, ...more });
const receive = (n) => datagram("receive", n, { bytes: 8, text: "RESET:20" });
const drop = (n, direction, reason = "loss") =>
	datagram("drop", n, { direction, reason, model: "random", drawn: 0.25, state: null });
const reset = (n, offset, before) =>
	datagram("reset", n, { offset, clock_before: before, clock_after: before + offset });
const reply = (n, text = "OFFSET=5") => datagram("reply", n, { text });
const change = (before, after) =>
	({ event: "change", endpoint: "reset", key: "reset.loss", before, after, who: "page" });

test("a lost request is sent again: linked, counted, answered", () => {
	const ways = read(
		receive(1),
		drop(1, "request"),
		receive(2),
		reset(2, 5, 0),
		reply(1),
	).datagrams.get("reset");
	assert.deepEqual(ways.arrows.map((a) => [a.direction, a.fate]),
		[["request", "lost"], ["request", "arrived"], ["reply", "arrived"]]);
	assert.equal(ways.arrows[1].before, ways.arrows[0].id);
	assert.deepEqual(ways.tries.request, [2, 1]);
	assert.deepEqual([ways.packets[2], ways.answered, ways.twice], [1, 1, 0]);
	assert.equal(ways.arrows[0].drawn, 0.25);
});

test("a lost answer moves the clock twice", () => {
	const ways = read(
		receive(1),
		reset(1, 5, 0),
		drop(1, "reply"),
		receive(2),
		reset(2, 7, 5),
		reply(2),
	).datagrams.get("reset");
	assert.deepEqual([ways.clock.twice, ways.clock.clock_after, ways.twice], [true, 12, 1]);
	assert.deepEqual(ways.tries.reply, [2, 1]);
	/* The same client asks again later: that is another exchange. */
	const later = read(
		receive(1),
		reset(1, 5, 0),
		reply(1),
		receive(2),
		reset(2, 7, 5),
		reply(2),
	).datagrams.get("reset");
	assert.deepEqual([later.clock.twice, later.answered], [false, 2]);
});

test("a duplicate is one datagram of the statistics", () => {
	const ways = read(
		receive(1),
		datagram("duplicate", 1, { direction: "request" }),
		reset(1, 5, 0),
		reply(1),
		reset(1, 5, 5),
		reply(2),
	).datagrams.get("reset");
	assert.deepEqual([ways.tries.request, ways.answered], [[1, 0], 1]);
	assert.deepEqual(ways.arrows[0].notes, ["twice"]);
});

test("a change begins a new count; a pause loses without counting", () => {
	const model = read(
		receive(1),
		drop(1, "request"),
		change("50%", "none"),
		receive(2),
		reply(1),
		receive(0),
		drop(0, "request", "the endpoint is paused"),
		change("0%", "1%"),
		change("1%", "2%"),
		change("2%", "3%"),
	);
	const ways = model.datagrams.get("reset");
	assert.deepEqual(ways.tries.request, [0, 0]);
	/* Nothing has come since the last change: this is what was observed before it. */
	assert.deepEqual(observed(ways).tries.request, [1, 0]);
	assert.equal(observed(ways).loss, "none");
	modelAdd(model, { t: 9, seq: 99, ...receive(3) });
	assert.deepEqual([observed(ways).isPast, observed(ways).tries.request], [false, [1, 0]]);
	assert.equal(model.config["reset.loss"], "3%");
	assert.equal(ways.arrows.at(-3).fate, "refused");
	/* A change stands between the datagrams before and after it. */
	assert.deepEqual(ways.arrows.map((arrow) => arrow.change ?? arrow.direction), [
		"request",
		"loss 50% → none (page)",
		"request",
		"reply",
		"request",
		"loss 0% → 3% (page)",
		"request",
	]);
});

test("what was lost was below what was asked for; a wrong command is no acknowledgement", () => {
	const model = read(
		{ event: "start", config: { "reset.loss": "50%" } },
		receive(1),
		{ ...drop(1, "request"), model: "random", drawn: 0.25 },
		receive(2),
		{ ...reply(1), text: "Wrong command." },
	);
	const ways = model.datagrams.get("reset");
	assert.deepEqual([ways.arrows[0].drawn, ways.arrows[0].limit], [0.25, 0.5]);
	const { bad } = ways.arrows.at(-1);
	assert.deepEqual([bad, ways.answered, ways.packets.length], [true, 0, 0]);
});

test("a client that takes nothing: what the kernel has of the message, and what became of it",
	() => {
	const pause = conn("pause", { bytes: 90000, sent: 20000 });
	const command = conn("command", { text: "CMD_floodme", kind: "flood" });
	const model = read(conn("open"), command, pause);
	const one = model.conns.get(1);
	assert.deepEqual([one.callCount, one.paused, one.calls[0].partial], [1, true, true]);
	assert.deepEqual(spans(one.calls), [[0, 20000]]);
	const cut = close(3, 4344, { why: "cut by page", messages: 0, bytes_out: 20000 });
	modelAdd(model, { t: 1, seq: 50, ...cut });
	assert.deepEqual([one.callCount, segmentCount(one)], [1, 3]);
	assert.deepEqual([one.acked, one.queued], [4344, 20000]);
	/* Or the kernel takes the rest of the message later. */
	const taken = { ...send(1, 90000, 63, 90000, 0, 90000), calls: 4 };
	const later = read(conn("open"), pause, taken).conns.get(1);
	assert.equal(later.calls[0].t, 0.001); /* the call began when a part was taken */
	assert.deepEqual([later.callCount, later.paused, segmentCount(later)], [1, false, 63]);
	assert.deepEqual(spans(later.calls), [[0, 90000]]);
});

test("how the lab is, where the events that told are gone", () => {
	const model = modelCreate();
	const status = { endpoint: "reset", local: false, paused: true, family: "IPv6", left: 60 };
	const endpoints = [status, { ...status, local: true, paused: false }];
	modelStatus(model, { uptime: 100, events: { first: 5000 }, endpoints });
	const known = { name: "reset", paused: true, family: "IPv6", until: 160 };
	assert.deepEqual(model.endpoints.get("reset"), known);
	assert.equal(model.lost, 4999);
	assert.deepEqual([nextFamily(model, "reset"), nextFamily(model, "udp-print")], [6, 4]);
	const family = { event: "family", endpoint: "reset", active: "IPv4 and IPv6" };
	modelAdd(model, { t: 101, seq: 5000, ...family });
	modelAdd(model, { t: 101, seq: 5001, ...receive(1), family: 6 });
	assert.equal(nextFamily(model, "reset"), 6);
});

test("who resumes reads nothing twice; a torn last line is no event", () => {
	const model = modelCreate();
	const lines = '{"t":0,"seq":1,"event":"open","conn":1}\n' +
		'{"t":1,"seq":2,"event":"open","conn":2}\n';
	assert.equal(modelRead(model, lines), 2);
	assert.equal(modelRead(model, lines + '{"t":2,"seq":3,"ev'), 0);
	assert.deepEqual([model.conns.size, model.seq], [2, 2]);
});

test("100,000 events: bounded", () => {
	const model = modelCreate();
	for (let seq = 1; seq <= 100000; seq++) {
		const datagram = { ...receive(seq), peer: `127.0.0.1:${seq}` };
		const call = { ...send(1, 18, 1, 18, 0), conn: seq };
		modelAdd(model, { t: seq, seq, ...(seq % 2 ? datagram : call) });
	}
	const ways = model.datagrams.get("reset");
	assert.ok(model.log.length <= 25000);
	assert.ok(ways.arrows.length <= 4000 && model.conns.size <= 300);
	assert.equal(ways.arrows.length + ways.gone, 50000);
	assert.equal(model.log.length + model.logGone, 100000);
	assert.ok(ways.peers.size <= 5001 && ways.byNumber.size <= 6001);
});

test("the station, its participants", () => {
	const tv = (event, more) => ({ event, endpoint: "tv", ...more });
	const model = read(
		{ event: "start", config: { "tv.id": "swcmTV" } },
		tv("line", { n: 1, text: "swcmTVWho's there?" }),
		tv("drop", { n: 2, family: 4, direction: "reply", reason: "loss" }),
		tv("participant", { id: "123456", total: 301, text: "<script>" }),
		tv("answer", { id: "123456", text: "@" }),
	);
	const lines = model.lines.map(({ text, kind }) => [text, kind]);
	assert.deepEqual(lines, [["Who's there?", "line"], ["", "lost"], ["@", "answer"]]);
	assert.deepEqual(model.participants.get("123456").answers, 1);
});

test("Wilson's interval, the geometric curve, losses as text", () => {
	assert.deepEqual(wilson(0, 0), [0, 1]);
	assert.deepEqual(wilson(5, 10).map((x) => x.toFixed(4)), ["0.2366", "0.7634"]);
	assert.equal(wilson(0, 10)[0], 0);
	assert.equal(wilson(10, 10)[1], 1);
	assert.deepEqual([1, 2, 3].map((k) => geometric(k, 0.5)), [0.5, 0.25, 0.125]);
	const losses = ["none", "30%", "0.3", "burst:30%,4", "pattern:xx..", "list:1,2"];
	assert.deepEqual(losses.map(lossOf), [0, 0.3, 0.3, 0.3, 0.5, NaN]);
	assert.equal(passOf(0.5, "both"), 0.25);
});

test("a picture is cleared of what is over, at once or when its events have come again", () => {
	const events = [
		conn("open"),
		send(1, 18, 1, 18, 0),
		close(1, 18),
		{ ...conn("open"), conn: 2 },
		receive(1),
		{ event: "participant", endpoint: "tv", id: "123456", total: 5, text: "hello" },
		{ event: "line", endpoint: "tv", n: 1, text: "Who's there?" },
	];
	const later = [reset(1, 3, 0), receive(2), reply(1, "OFFSET=3")];
	const now = read(...events), again = modelCreate();
	for (const picture of ["streams", "datagrams", "station"]) {
		modelClear(now, picture);
		modelClear(again, picture, events.length);
	}
	const add = (model, list, t, seq) => list.forEach((event, i) =>
		modelAdd(model, { t: t + i / 1000, seq: seq + i, ...event }));
	add(again, events, 0, 1);
	for (const model of [now, again]) {
		const ways = model.datagrams.get("reset");
		assert.deepEqual([...model.conns.keys()], [2]);
		assert.deepEqual([model.lines.length, model.participants.size], [0, 0]);
		assert.equal(ways.arrows.length, 0);
		add(model, later, 1, 100);
		const tell = ({ direction, attempt, before }) => [direction, attempt, before];
		const told = [["request", 2, null], ["reply", undefined, undefined]];
		assert.deepEqual(ways.arrows.map(tell), told);
		assert.deepEqual([ways.tries.request, ways.packets[2]], [[1, 0], 1]);
		assert.equal(ways.clock.clock_after, 3);
	}
});
