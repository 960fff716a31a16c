/*
 * What the page knows: events in (docs/events.md), a picture of the lab out. Pure: no document, no clock, no network.
 * All of it is bounded; what had to go is counted.
 */
import { keepLast } from "./keep.js";
import { modelDatagram, waysForget } from "./model_datagrams.js";
import { modelStream, streamsForget } from "./model_streams.js";

export const LOG_MOST = 20000, STATION_LINES = 40, CHANGES_MOST = 50;

export function modelCreate() {
	return {
		lab: null,        /* the event start */
		ended: null,      /* the event stop */
		t: 0, seq: 0,     /* of the last event */
		now: 0,           /* the lab's time; of a run that is over, that of its last event */
		count: 0,         /* events that have come */
		lost: 0,          /* events that are missing */
		repeated: 0,      /* datagrams that were only counted */
		log: [],          /* the last events */
		logGone: 0,       /* that stood before them */
		endpoints: new Map(), /* name: { paused, family, until: on the lab's clock, 0: for ever } */
		config: {},       /* key: value */
		changes: [],      /* the last events change */
		conns: new Map(), /* number: connection */
		detailed: [],     /* those whose calls are kept */
		connsGone: 0,
		datagrams: new Map(), /* endpoint: what has become of its datagrams */
		lines: [], linesGone: 0, /* of the station: { t, seq, n, text, kind: "line", "lost" or "answer" } */
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

/** Empties a picture, "streams", "datagrams" or "station", of what is over; later too, when events until `seq` have come. */
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
		const id = model.config["tv.id"] ?? "";
		addLine(model, event, event.text.startsWith(id) ? event.text.slice(id.length) : event.text, "line");
	},
	participant(model, event) {
		const person = model.participants.get(event.id) ?? { id: event.id, answers: 0 };
		model.participants.delete(event.id); /* the last one who spoke stands last */
		model.participants.set(event.id, Object.assign(person, { total: event.total, text: event.text, t: event.t, seq: event.seq }));
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

/** How the lab is, as GET /v1/status says: what the events that are no longer kept would have told. */
export function modelStatus(model, status) {
	for (const { endpoint, local, paused, family, left } of status.endpoints)
		if (!local)
			Object.assign(endpointOf(model, endpoint), { paused, family: family ?? "", until: left === null ? 0 : status.uptime + left });
	if (!model.seq)
		model.lost = Math.max(0, status.events.first - 1);
}

/** One event more. Those that have come before (a connection that resumed) are left out: false. */
export function modelAdd(model, event) {
	const before = model.seq;
	if (event.seq < before || (event.seq === before && event.event !== "lost")) /* that has the number of the last one it stands for */
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

/** A text of many lines, as in a file: how many of them were events. */
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
