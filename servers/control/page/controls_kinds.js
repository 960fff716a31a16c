/*
 * The kinds of controls. Each makes the elements for one key, { parts }, and `update(value)` shows
 * the key's value in them. A control changes its key by `on.change({ key: value })` or, while a
 * slider moves, by `on.slide(key, value)`.
 */
import { make, say } from "./dom.js";
import { lossOf } from "./stats.js";

const lossModels = {
	none: "nothing",
	random: "each by chance",
	burst: "in bursts",
	first: "the first",
	pattern: "a pattern",
	other: "another",
};

const slider = (label, properties) =>
	make("input", { type: "range", "aria-label": label, ...properties });

const textField = (label) =>
	make("input", { "aria-label": label, spellcheck: false, autocomplete: "off" });

function rangeControl({ key, label, most, least = 0, step = 1, read, write, show }, on) {
	const said = make("output", {}), input = slider(label, { min: least, max: most, step });
	input.addEventListener("input", () => {
		say(said, show(+input.value));
		on.slide(key, write(+input.value));
	});
	const update = (value) => {
		input.max = Math.max(most, read(value));
		input.value = read(value);
		say(said, show(read(value)));
	};
	return { parts: [said, input], update };
}

function textControl({ key, label }, on) {
	const input = textField(label);
	input.addEventListener("change", () => on.change({ [key]: input.value }));
	const update = (value) => {
		if (document.activeElement !== input)
			input.value = value;
	};
	return { parts: [input], update };
}

function choiceControl({ key, label, values }, on) {
	const options = values.map((value) => make("option", { value }, value));
	const select = make("select", { "aria-label": label }, ...options);
	select.addEventListener("change", () => on.change({ [key]: select.value }));
	const update = (value) => {
		if (![...select.options].some((option) => option.value === value))
			select.append(make("option", { value }, value));
		select.value = value;
	};
	return { parts: [select], update };
}

/* "burst:30%,4,max-run=3": { kind: "burst", lost: 30, run: "4", limit: ",max-run=3" } */
function readLoss(text) {
	const [, body, limit = ""] = /^(.*?)(,max-run=\d+)?$/.exec(text);
	const [, run] = /^burst:[^,]+,([\d.]+)$/.exec(body) ?? [];
	const name = /^(\w+):/.exec(body)?.[1] ?? (body === "none" ? "none" : "random");
	const isKnown = name in lossModels && (name !== "burst" || run);
	return { kind: isKnown ? name : "other", lost: lossOf(body) * 100, run, limit };
}

/* The elements of a loss: its model, its share and mean run, the specification as text. */
function lossParts() {
	const options = Object.entries(lossModels).map(([value, name]) =>
		make("option", { value }, name));
	const model = make("select", { "aria-label": "How datagrams are lost" }, ...options);
	const share = slider("Loss in per cent", { min: 0, max: 100 });
	const run = slider("Mean run of losses", { min: 1, max: 12, step: 0.5, value: 4 });
	const runSaid = make("output", {});
	const runRow = make("label", { className: "row" }, "in a row", runSaid, run);
	const text = textField("Loss as text");
	return { said: make("output", {}), model, share, run, runSaid, runRow, text };
}

function lossControl({ key }, on) {
	const { said, model, share, run, runSaid, runRow, text } = lossParts();
	let limit = "";      /* ",max-run=3", which stays */
	let isOther = false; /* "another" was chosen, and its text is still to be typed */
	/* After a mean run of r losses at least one datagram arrives. */
	const most = () => Math.floor(100 * run.value / (+run.value + 1));
	const specification = () => ({
		none: "none",
		random: `${share.value}%${limit}`,
		burst: `burst:${Math.min(share.value, most())}%,${run.value}${limit}`,
		first: "first:2",
		pattern: "pattern:xx.",
	})[model.value];
	const moved = () => {
		if (model.value === "none")
			model.value = "random";
		if (model.value === "burst")
			share.value = Math.min(share.value, most());
		on.slide(key, specification());
		say(said, `${share.value} %`);
		say(runSaid, run.value);
	};
	share.addEventListener("input", moved);
	run.addEventListener("input", moved);
	model.addEventListener("change", () => {
		isOther = model.value === "other";
		if (share.value === "0")
			share.value = 50;
		if (!isOther)
			on.change({ [key]: specification() });
		else {
			text.focus();
			text.select();
		}
	});
	text.addEventListener("blur", () => (isOther = false));
	text.addEventListener("change", () => on.change({ [key]: text.value }));
	const update = (value) => {
		const loss = readLoss(value);
		limit = loss.limit;
		model.value = isOther ? "other" : loss.kind;
		const isShare = ["none", "random", "burst"].includes(model.value);
		if (isShare) /* "nothing" leaves the slider at its beginning */
			share.value = loss.lost;
		run.value = loss.run ?? run.value;
		runRow.hidden = model.value !== "burst";
		share.disabled = !isShare;
		say(said, isShare ? `${+loss.lost.toFixed(2)} %` : "");
		say(runSaid, run.value);
		if (document.activeElement !== text)
			text.value = value;
	};
	return { parts: [said, model, share, runRow, text], update };
}

/** The kinds by their names: each gets a row of controlRows and `on`. */
export const controlKinds = {
	range: rangeControl,
	text: textControl,
	choice: choiceControl,
	loss: lossControl,
};
