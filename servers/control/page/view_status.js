/* Header and footer: whether the lab answers, what is paused, the last event, and numbers. */
import { byId, grouped, inSeconds, plural, say } from "./dom.js";
import { lineOf } from "./view_log.js";

const labText = ({ time, seed }) => `${time.slice(0, 16).replace("T", " ")}, seed ${seed}`;

const stateTexts = {
	wait: () => "◌ connecting",
	live: () => "● live",
	report: ({ lab }) => `■ a run that is over${lab ? `: ${labText(lab)}` : ""}`,
	gone: ({ ended }) => (ended ? "■ the lab has ended" : "✕ the lab is gone"),
	refused: () => "✕ another key: open the address that pmulab prints",
};

function stateText(model, name, until, paused) {
	if (name === "live" && paused.length) {
		const names = paused.map((one) => one.name).join(", ");
		return `❚❚ paused: ${paused.length > 3 ? `${paused.length} servers` : names}`;
	}
	const seconds = Math.max(0, Math.ceil((until - performance.now()) / 1000));
	const again = seconds && name === "gone" ? ` · looks again in ${seconds} s` : "";
	return stateTexts[name](model) + again;
}

function showState(model, name, until) {
	const paused = [...model.endpoints.values()].filter((one) => one.paused);
	const state = byId("state");
	state.dataset.state = name === "live" && paused.length ? "paused" : name;
	say(state, stateText(model, name, until, paused));
	document.body.classList.toggle("gone", name === "gone" || name === "refused");
}

function showNumbers(model, rate, waiting) {
	const last = model.log.at(-1);
	const place = last && `${inSeconds(last.t)}  ${last.endpoint ?? "lab"}  ${last.event}`;
	say(byId("ticker"), last ? `${place}  ${lineOf(last, false).slice(0, 120)}` : "");
	say(byId("numbers"), [
		rate ? `${plural(rate, "event")} a second` : "",
		`${grouped(model.count)} events`,
		waiting > 1000 ? `${grouped(waiting)} wait` : "",
		model.lost ? `${plural(model.lost, "event")} missing` : "",
		model.repeated ? `${grouped(model.repeated)} datagrams folded` : "",
	].filter(Boolean).join(" · "));
}

/**
 * Draws header and footer. `state` is one of sourceStart's, "wait" or "report", `until` the time
 * of the next try (as performance.now()), `rate` in events per second, `waiting` in events.
 */
export function statusDraw(model, { state, until, rate, waiting }) {
	showNumbers(model, rate, waiting);
	showState(model, state, until);
}
