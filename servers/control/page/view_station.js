/* The station: the play as subtitles, and the participants. */
import { byId, grouped, make, say } from "./dom.js";

const ENOUGH = 300, SHOWN = 9, PEOPLE = 9; /* characters; lines; participants in the list */

const lineTexts = {
	line: ({ text }) => text || "…",
	lost: ({ n }) => `✕ line ${n} is lost`,
	answer: ({ text }) => `→ ${text}`,
};

function drawSubtitles(model) {
	const subtitles = byId("subtitles"), lines = model.lines.slice(-SHOWN);
	const runs = model.endpoints.has("tv");
	const key = `${lines[0]?.seq} ${lines.at(-1)?.seq} ${runs}`;
	if (subtitles.shown === key)
		return;
	subtitles.shown = key;
	subtitles.replaceChildren(...lines.map((line) => {
		const properties = { className: line.kind, dataset: { n: line.n } };
		return make("p", properties, lineTexts[line.kind](line));
	}));
	const nothing = runs ? "The station is silent." : "tv does not run in this lab.";
	if (!lines.length)
		subtitles.append(make("p", {}, nothing));
}

/* The answer is for more than 300 characters: 300 fill the bar, and one more brings the answer. */
function participantRow({ id, total, text, answers }) {
	const goal = Math.max(1, Math.ceil(total / ENOUGH)) * ENOUGH;
	const bar = make("meter", {
		min: 0,
		max: ENOUGH,
		value: total - goal + ENOUGH,
		"aria-label": `${id}: ${total} of ${goal} characters`,
	});
	const times = answers > 1 ? ` ${answers} times` : "";
	const notes = [
		answers ? `answered${times}` : "",
		total === goal ? "one more brings the answer" : "",
	].filter(Boolean);
	return make("li", { dataset: { id } },
		make("b", {}, id),
		make("span", {}, `${grouped(total)} of ${grouped(goal)} characters`),
		bar,
		make("q", {}, text),
		notes.length ? make("p", { className: "small" }, notes.join(" · ")) : null);
}

function drawParticipants(model) {
	const people = [...model.participants.values()].reverse(), list = byId("participants");
	const seen = people.slice(0, PEOPLE);
	const states = seen.map((one) => `${one.id} ${one.total} ${one.answers}`);
	const key = states.join() + people.length;
	if (list.shown === key)
		return;
	list.shown = key;
	list.replaceChildren(...seen.map(participantRow));
	if (people.length > PEOPLE) {
		const more = `and ${grouped(people.length - PEOPLE)} more`;
		list.append(make("li", { className: "small" }, more));
	}
	if (!people.length) {
		const advice = "Nobody has spoken yet: build/clients/tv-send --id 123456";
		list.append(make("li", {}, advice));
	}
	say(byId("people").firstElementChild, `Participants: ${grouped(people.length)}`);
}

/** Draws the picture of the station. */
export function stationDraw(model) {
	drawSubtitles(model);
	drawParticipants(model);
}
