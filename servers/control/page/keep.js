/**
 * Removes the oldest elements of a list, so that the last `most` stay, and returns how many went.
 * It waits until a quarter too many are there: then a new element costs next to nothing.
 */
export function keepLast(list, most) {
	const gone = list.length > most * 1.25 ? list.length - most : 0;
	if (gone)
		list.splice(0, gone);
	return gone;
}
