/* The station: the play as subtitles, and who takes part. */
import { byId, grouped, make, say } from "./dom.js";

const ENOUGH = 300, SHOWN = 9, PEOPLE = 9;

const lineTexts = { line: ({ text }) => text || "…", lost: ({ n }) => `✕ line ${n} is lost`, answer: ({ text }) => `→ ${text}` };

export function stationDraw(model) {
	const subtitles = byId("subtitles"), lines = model.lines.slice(-SHOWN), key = `${lines[0]?.seq} ${lines.at(-1)?.seq} ${model.endpoints.has("tv")}`;
	if (subtitles.shown !== key) {
		subtitles.shown = key;
		subtitles.replaceChildren(...lines.map((line) =>
			make("p", { className: line.kind, dataset: { n: line.n } }, lineTexts[line.kind](line))));
		if (!lines.length)
			subtitles.append(make("p", {}, model.endpoints.has("tv") ? "The station is silent." : "tv does not run in this lab."));
	}
	const people = [...model.participants.values()].reverse(), list = byId("participants");
	const seen = people.slice(0, PEOPLE), said = seen.map((one) => `${one.id} ${one.total} ${one.answers}`).join() + people.length;
	if (list.shown === said)
		return;
	list.shown = said;
	list.replaceChildren(...seen.map((one) => {
		/* The answer is for more than 300: 300 fill the bar, and one more brings it. */
		const to = Math.max(1, Math.ceil(one.total / ENOUGH)) * ENOUGH, bar = make("meter", { min: 0, max: ENOUGH, value: one.total - to + ENOUGH,
			"aria-label": `${one.id}: ${one.total} of ${to} characters` });
		return make("li", { dataset: { id: one.id } }, make("b", {}, one.id), make("span", {}, `${grouped(one.total)} of ${grouped(to)} characters`), bar,
			make("q", {}, one.text), one.answers || one.total === to ? make("p", { className: "small" },
				[one.answers ? `answered${one.answers > 1 ? ` ${one.answers} times` : ""}` : "", one.total === to ? "one more brings the answer" : ""].filter(Boolean).join(" · ")) : null);
	}));
	if (people.length > PEOPLE)
		list.append(make("li", { className: "small" }, `and ${grouped(people.length - PEOPLE)} more`));
	if (!people.length)
		list.append(make("li", {}, "Nobody has spoken yet: build/clients/tv-send --id 123456"));
	say(byId("people").firstElementChild, `Participants: ${grouped(people.length)}`);
}
