/** Keeps the last `most` of a list, in portions so that it costs nothing; how many went. */
export function keepLast(list, most) {
	const gone = list.length > most * 1.25 ? list.length - most : 0;
	if (gone)
		list.splice(0, gone);
	return gone;
}
