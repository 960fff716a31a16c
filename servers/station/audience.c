/* A hash table with chains over an array of places, and a list of the participants in the order of
   their last datagrams. When all places are taken, a new participant gets the place of the one that
   has been silent longest. */
#include "servers/station/audience.h"

#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "servers/impair/fate.h"

/* ---- what a datagram is ---- */

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_letter(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool can_be_id(const char *id)
{
	for (int i = 0; i < WIRE_ID_BYTES; i++)
		if (id[i] <= ' ' || id[i] > '~')
			return false;
	return true;
}

/* Whether a word goes on behind the six bytes: "Someth|ing is rotten". All its letters are lower
   case; only the first one may be a capital. */
static bool reads_on(const char *data, size_t len)
{
	if (len == WIRE_ID_BYTES || !is_letter(data[0]))
		return false;
	for (int i = 1; i <= WIRE_ID_BYTES; i++)
		if (!is_lower(data[i]))
			return false;
	return true;
}

static uint64_t count_characters(const char *text, size_t len)
{
	uint64_t count = 0;
	for (size_t i = 0; i < len; i++)
		/* Counts the bytes that begin a character (RFC 3629, section 3). */
		count += ((unsigned char)text[i] & 0xC0) != 0x80;
	return count;
}

struct speech speech_parse(const char *data, size_t len)
{
	struct utf8 utf8 = { 0 };
	if (len < WIRE_ID_BYTES)
		return (struct speech){ .kind = SPEECH_SHORT };
	if (!utf8_feed(&utf8, data, len) || !utf8_complete(&utf8))
		return (struct speech){ .kind = SPEECH_NOT_UTF8 };
	/* The rest of a character that begins in the ID does not belong to the text. */
	const char *text = data + WIRE_ID_BYTES;
	while (text < data + len && ((unsigned char)*text & 0xC0) == 0x80)
		text++;
	size_t text_len = (size_t)(data + len - text);
	return (struct speech){
		.kind = !can_be_id(data)      ? SPEECH_NO_ID
			: reads_on(data, len) ? SPEECH_DOUBTFUL
					      : SPEECH_FINE,
		.text = text,
		.len = text_len,
		.characters = count_characters(text, text_len),
	};
}

/* ---- the participants ---- */

/* A place is referred to by its number, from 1 on; 0 is none. */
struct participant {
	uint64_t total;
	uint32_t chain;        /* the next one with the same hash */
	uint32_t newer, older; /* in the order of their last datagrams */
	char id[WIRE_ID_BYTES];
};

struct audience {
	size_t max, count, buckets;
	uint32_t newest, oldest;
	uint64_t seed, forgotten;
	struct participant *places; /* [max + 1] */
	uint32_t *heads;            /* [buckets] */
};

struct audience *audience_create(size_t max, uint64_t seed)
{
	struct audience *audience = calloc(1, sizeof *audience);
	if (!audience)
		return NULL;
	audience->max = max;
	audience->seed = seed;
	audience->buckets = 1;
	while (audience->buckets < max)
		audience->buckets *= 2;
	/* Large blocks: only the pages that are written to take memory. */
	audience->places = calloc(max + 1, sizeof *audience->places);
	audience->heads = calloc(audience->buckets, sizeof *audience->heads);
	if (audience->places && audience->heads)
		return audience;
	audience_destroy(audience);
	return NULL;
}

void audience_destroy(struct audience *audience)
{
	if (!audience)
		return;
	free(audience->places);
	free(audience->heads);
	free(audience);
}

/* The hash has a key, so that a sender that does not know the seed cannot choose IDs that all fall
   on one chain. */
static uint32_t *head_of(struct audience *audience, const char id[WIRE_ID_BYTES])
{
	uint32_t counter[4] = { 0 }, block[4];
	const uint32_t key[2] = { (uint32_t)audience->seed, (uint32_t)(audience->seed >> 32) };
	memcpy(counter, id, WIRE_ID_BYTES);
	fate_philox(block, counter, key);
	return &audience->heads[block[0] & (audience->buckets - 1)];
}

static void list_remove(struct audience *audience, uint32_t place)
{
	struct participant *one = &audience->places[place];
	if (one->newer)
		audience->places[one->newer].older = one->older;
	else
		audience->newest = one->older;
	if (one->older)
		audience->places[one->older].newer = one->newer;
	else
		audience->oldest = one->newer;
}

static void list_add(struct audience *audience, uint32_t place)
{
	struct participant *one = &audience->places[place];
	one->newer = 0;
	one->older = audience->newest;
	if (audience->newest)
		audience->places[audience->newest].newer = place;
	else
		audience->oldest = place;
	audience->newest = place;
}

/* Frees the place of the participant that has been silent longest, and returns it. */
static uint32_t forget(struct audience *audience)
{
	uint32_t place = audience->oldest;
	uint32_t *link = head_of(audience, audience->places[place].id);
	while (*link != place)
		link = &audience->places[*link].chain;
	*link = audience->places[place].chain;
	list_remove(audience, place);
	audience->forgotten++;
	return place;
}

static uint32_t find(struct audience *audience, const char id[WIRE_ID_BYTES])
{
	uint32_t place = *head_of(audience, id);
	while (place && memcmp(audience->places[place].id, id, WIRE_ID_BYTES) != 0)
		place = audience->places[place].chain;
	return place;
}

static uint32_t add(struct audience *audience, const char id[WIRE_ID_BYTES])
{
	uint32_t place =
		audience->count < audience->max ? (uint32_t)++audience->count : forget(audience);
	uint32_t *head = head_of(audience, id);
	audience->places[place] = (struct participant){ .chain = *head };
	memcpy(audience->places[place].id, id, WIRE_ID_BYTES);
	*head = place;
	return place;
}

/* How many of the limits 301, 601, ... a total has reached. */
static uint64_t marks(uint64_t total)
{
	return total == 0 ? 0 : (total - 1) / AUDIENCE_CHARACTERS;
}

struct audience_heard audience_hear(struct audience *audience, const char id[WIRE_ID_BYTES],
	uint64_t characters)
{
	uint32_t place = find(audience, id);
	bool first = place == 0;
	if (first)
		place = add(audience, id);
	else
		list_remove(audience, place);
	list_add(audience, place);
	struct participant *one = &audience->places[place];
	uint64_t before = marks(one->total);
	one->total += characters;
	uint64_t now = marks(one->total);
	return (struct audience_heard){ .total = one->total,
		.first = first,
		.answer = now > before ? now : 0 };
}

uint64_t audience_forgotten(struct audience *audience)
{
	uint64_t count = audience->forgotten;
	audience->forgotten = 0;
	return count;
}

size_t audience_bytes(const struct audience *audience)
{
	return sizeof *audience + (audience->max + 1) * sizeof *audience->places +
		audience->buckets * sizeof *audience->heads;
}
