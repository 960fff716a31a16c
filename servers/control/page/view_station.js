/* The station: the play as subtitles, and who takes part. */
import { byId, grouped, make, say } from "./dom.js";

const ENOUGH = 300, SHOWN = 9, PEOPLE = 9;

export function stationDraw(model) {
	const subtitles = byId("subtitles"), lines = model.lines.slice(-SHOWN), key = `${lines[0]?.seq} ${lines.at(-1)?.seq}`;
	if (subtitles.shown !== key) {
		subtitles.shown = key;
		subtitles.replaceChildren(...lines.map((line) => (line.lost ?
			make("p", { className: "lost", dataset: { n: line.n } }, `✕ line ${line.n} is lost`) :
			make("p", { dataset: { n: line.n } }, line.text || "…"))));
		if (!lines.length)
			subtitles.append(make("p", {}, "The station is silent."));
	}
	const people = [...model.participants.values()].reverse(), list = byId("participants");
	const seen = people.slice(0, PEOPLE), said = seen.map((one) => `${one.id} ${one.total}`).join() + people.length;
	if (list.shown === said)
		return;
	list.shown = said;
	list.replaceChildren(...seen.map((one) => {
		const to = (Math.floor(one.total / ENOUGH) + 1) * ENOUGH, bar = make("meter", { min: 0, max: ENOUGH, value: one.total % ENOUGH,
			"aria-label": `${one.id}: ${one.total} of ${to} characters` });
		return make("li", { dataset: { id: one.id } }, make("b", {}, one.id), make("span", {}, `${grouped(one.total)} of ${grouped(to)}`), bar,
			make("q", {}, one.text));
	}));
	if (people.length > PEOPLE)
		list.append(make("li", { className: "small" }, `and ${grouped(people.length - PEOPLE)} more`));
	if (!people.length)
		list.append(make("li", {}, "Nobody has spoken yet: tv-send --id 123456"));
	say(byId("people").firstElementChild, `Participants: ${grouped(people.length)}`);
}
