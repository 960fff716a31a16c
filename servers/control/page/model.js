/*
 * What the page knows of the lab, from the events that come (docs/events.md). Pure: no document,
 * no clock, no network. All of it is bounded; what had to go is counted.
 */
import { keepLast } from "./keep.js";
import { modelDatagram, waysForget } from "./model_datagrams.js";
import { modelStream, streamsForget } from "./model_streams.js";

/** How many events, lines of the station and changes are kept. */
export const LOG_MOST = 20000, STATION_LINES = 40, CHANGES_MOST = 50;

/** Makes the model of a lab of which nothing is known yet. */
export function modelCreate() {
	return {
		lab: null,        /* the event start */
		ended: null,      /* the event stop */
		t: 0, seq: 0,     /* of the last event; t in seconds on the lab's clock */
		now: 0,           /* the lab's time; in a report, that of the last event */
		count: 0,         /* events that have come */
		lost: 0,          /* events that are missing */
		repeated: 0,      /* datagrams that were only counted */
		log: [],          /* the last events */
		logGone: 0,       /* how many stood before them */
		/* name: { paused, family, until }; `until` on the lab's clock, 0: for ever */
		endpoints: new Map(),
		config: {},       /* key: value */
		changes: [],      /* the last events change */
		conns: new Map(), /* number: connection */
		detailed: [],     /* the connections whose calls are kept */
		connsGone: 0,
		datagrams: new Map(), /* endpoint: what has become of its datagrams */
		/* of the station: { t, seq, n, text, kind: "line", "lost" or "answer" } */
		lines: [], linesGone: 0,
		participants: new Map(), /* ID: { id, total, text, answers, t } */
		cleared: {},      /* picture: the last event that it does not show */
	};
}

const forgets = {
	streams: streamsForget,
	datagrams: (model) => model.datagrams.forEach((ways) => waysForget(ways, model.t)),
	station(model) {
		model.lines = [];
		model.linesGone = 0;
		model.participants.clear();
	},
};

/**
 * Clears a picture, "streams", "datagrams" or "station", of what is over at event `seq`. If that
 * event has not come yet, the picture is cleared when it comes.
 */
export function modelClear(model, picture, seq = model.seq) {
	model.cleared[picture] = seq;
	if (seq <= model.seq)
		forgets[picture](model);
}

const endpointOf = (model, name) => {
	if (!model.endpoints.has(name))
		model.endpoints.set(name, { name, paused: false, family: "", until: 0 });
	return model.endpoints.get(name);
};

const others = {
	start(model, event) {
		model.lab = event;
		model.config = { ...event.config };
	},
	stop(model, event) {
		model.ended = event;
	},
	lost(model, event) {
		model.lost += event.count;
	},
	repeated(model, event) {
		model.repeated += event.count;
	},
	listen(model, event) {
		endpointOf(model, event.endpoint);
	},
	family(model, event) {
		const endpoint = endpointOf(model, event.endpoint);
		endpoint.family = event.active;
		endpoint.until = event.seconds ? event.t + event.seconds : 0;
	},
	suspend(model, event) {
		endpointOf(model, event.endpoint).paused = true;
	},
	resume(model, event) {
		endpointOf(model, event.endpoint).paused = false;
	},
	change(model, event) {
		model.config[event.key] = event.after;
		model.changes.push(event);
		keepLast(model.changes, CHANGES_MOST);
	},
	line(model, event) {
		const id = model.config["tv.id"] ?? "", { text } = event;
		addLine(model, event, text.startsWith(id) ? text.slice(id.length) : text, "line");
	},
	participant(model, event) {
		const { id, total, text, t, seq } = event;
		const person = model.participants.get(id) ?? { id, answers: 0 };
		model.participants.delete(id); /* the participant who spoke last stands last */
		model.participants.set(id, Object.assign(person, { total, text, t, seq }));
		if (model.participants.size > 1000)
			model.participants.delete(model.participants.keys().next().value);
	},
	answer(model, event) {
		const person = model.participants.get(event.id);
		if (person)
			person.answers++;
		addLine(model, event, event.text, "answer");
	},
};

function addLine(model, event, text, kind) {
	model.lines.push({ t: event.t, seq: event.seq, n: event.n, text, kind });
	model.linesGone += keepLast(model.lines, STATION_LINES);
}

/** Takes in the answer of GET /v1/status, which replaces events that the lab no longer keeps. */
export function modelStatus(model, status) {
	for (const { endpoint, local, paused, family, left } of status.endpoints) {
		if (local)
			continue;
		const until = left === null ? 0 : status.uptime + left;
		Object.assign(endpointOf(model, endpoint), { paused, family: family ?? "", until });
	}
	if (!model.seq)
		model.lost = Math.max(0, status.events.first - 1);
}

/** Takes in one event; false: it has come before, over a connection that was resumed. */
export function modelAdd(model, event) {
	const before = model.seq;
	/* An event lost has the number of the last event that it stands for. */
	if (event.seq < before || (event.seq === before && event.event !== "lost"))
		return false;
	model.seq = event.seq;
	model.t = event.t;
	model.count++;
	model.log.push(event);
	model.logGone += keepLast(model.log, LOG_MOST);
	others[event.event]?.(model, event);
	if (event.conn !== undefined)
		modelStream(model, event);
	if (event.endpoint === "tv" && event.event === "drop" && event.reason === "loss")
		addLine(model, event, "", "lost");
	else if (event.endpoint !== "tv")
		modelDatagram(model, event);
	for (const picture in model.cleared)
		if (model.cleared[picture] > before && model.cleared[picture] <= event.seq)
			forgets[picture](model);
	return true;
}

/** Takes in the lines of a file of events; returns how many of them were events. */
export function modelRead(model, text) {
	let count = 0;
	for (const line of text.split("\n")) {
		if (!line.trim())
			continue;
		try {
			count += modelAdd(model, JSON.parse(line)) ? 1 : 0;
		} catch {
			/* the last line of a lab that was killed */
		}
	}
	return count;
}
