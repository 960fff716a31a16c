/* Which controls each picture has, as data; in Datagrams each server has its own. */

/* Seconds of a time such as "20ms", "1.5s" or "2". */
function secondsOf(text) {
	if (/^[\d.]+ms$/.test(text))
		return parseFloat(text) / 1000;
	return /^[\d.]+s?$/.test(text) ? parseFloat(text) : 0;
}

/* How a slider reads a value, writes it, and shows its own number. */
const ms = {
	read: (text) => Math.round(secondsOf(text) * 1000),
	write: (number) => `${number}ms`,
	show: (number) => `${number} ms`,
};
const plain = { read: (text) => parseInt(text) || 0, write: String, show: String };

const delay = { label: "Delay", kind: "range", most: 1000, step: 10, ...ms };
const directions = ["request", "reply", "both"];
const families = ["hour", "4", "6", "both", "alternate:10s"];

/** The controls that change a key: { key, label, kind, ... }; controls_kinds.js has the kinds. */
export const controlRows = {
	streams: [
		{ key: "pmu.messages", label: "Messages", kind: "range", most: 60, ...plain },
		{ key: "pmu.rtt", label: "Round trip", kind: "range", most: 200, step: 5, ...ms },
		{ key: "pmu.flood", label: "Flood, bytes", kind: "text" },
		{ key: "pmu.speed", label: "Speed, ×", kind: "text" },
	],
	reset: [
		{ key: "reset.loss", label: "Loss", kind: "loss" },
		{ key: "reset.direction", label: "Direction", kind: "choice", values: directions },
		{ key: "reset.family", label: "Family", kind: "choice", values: families },
		{ key: "reset.delay", ...delay },
	],
	"udp-print": [
		{ key: "udp-print.loss", label: "Loss", kind: "loss" },
		{ key: "udp-print.delay", ...delay },
	],
	station: [
		{
			key: "tv.interval", label: "Interval", kind: "range",
			most: 3000, least: 50, step: 50, ...ms,
		},
		{ key: "tv.loss", label: "Loss", kind: "loss" },
	],
	log: [],
};

/** The endpoints of each picture, which can be paused. */
export const pictureEndpoints = {
	streams: ["pmu", "pmu-ws", "pmu-tls", "pmu-wss", "echo"],
	datagrams: ["reset", "udp-print"],
	station: ["tv"],
	log: [],
};

const storm = [
	{ set: { "reset.loss": "none" } },
	{ after: "5s", set: { "reset.loss": "60%" } },
	{ after: "10s", set: { "reset.loss": null } },
];

/** The prepared buttons: [text, { key: value }], or [text, steps] for a scenario. */
export const preparedChanges = {
	streams: [
		["20 at once", { "pmu.messages": "20", "pmu.rtt": "20ms" }],
		["No round trip", { "pmu.rtt": "0" }],
	],
	reset: [
		["None", { "reset.loss": "none" }],
		["Half", { "reset.loss": "50%" }],
		["Bursts", { "reset.loss": "burst:50%,4" }],
		["All", { "reset.loss": "100%" }],
		["Replies", { "reset.loss": "50%", "reset.direction": "reply" }],
		["▶ Storm, 15 s", storm],
	],
	"udp-print": [
		["None", { "udp-print.loss": "none" }],
		["Half", { "udp-print.loss": "50%" }],
	],
	station: [
		["None lost", { "tv.loss": "none" }],
		["30 % lost", { "tv.loss": "30%" }],
	],
	log: [],
};
