/* The table of the questions, with their texts. */
#include "servers/commands/answers/questions.h"

#define RUN "pmulab run --events lab.ndjson -- "

const struct question questions[] = {
	{ "Q6", "lines in which the echo server prints code D's message",
		"A stream has no borders: each recv(16) takes what has arrived, 16 bytes at most, "
		"so the number in recv() decides.",
		RUN "build/clients/echo-client", answer_pieces },
	{ "Q9", "messages from the PMU",
		"Each message is one send() of the PMU, which closes the connection behind the "
		"last one; packets have nothing to do with it.",
		RUN "build/clients/pdc CMD_short:0", answer_messages },
	{ "Q10", "packets with data from the PMU, for d = 0 and for d = 1",
		"Nagle's algorithm lets the first message leave at once and holds the others until "
		"it is acknowledged, one round trip later, in one packet; with d longer than a "
		"round trip nothing waits, and each message is a packet.",
		RUN "build/clients/pdc CMD_short:0", answer_short_packets },
	{ "Q13", "packets with data of the flood",
		"TCP cuts what one send() has handed over into segments of what a frame takes, "
		"1,448 bytes on an Ethernet.",
		RUN "build/clients/pdc CMD_floodme", answer_flood_packets },
	{ "Q15", "calls of recv() for the flood",
		"Each call returns what has arrived, as much as the buffer takes, and the last one "
		"returns 0: the buffer's size, and how fast the program reads while packets come, "
		"decide.",
		"build/clients/pdc --json CMD_floodme >client.json, then --client client.json; of "
		"a program of your own: strace -f -c -e trace=recvfrom,read PROGRAM CMD_floodme, "
		"or a counter in its loop",
		answer_recv_calls },
	{ "Q16", "date, time and family of the acknowledgement",
		"The server is reached in one family at a time; which one is only known when an "
		"answer comes.",
		RUN "build/clients/pdc-reset", answer_acknowledgement },
	{ "Q17", "packets before an acknowledgement, and loss",
		"With loss p the mean is 1/(1-p); packets to the other family count for neither, "
		"since nobody listens there. The interval is Wilson's; it takes each loss for "
		"itself.",
		RUN "build/clients/pdc-reset --runs 60 --timeout 50ms", answer_loss },
	{ "Q18", "messages of the multicast group", "Whoever has joined the group receives these.",
		RUN "build/clients/tv-recv --count 5", answer_lines },
	{ "Q22", "the station's answers to those who talk much",
		"It counts the characters of each ID and answers, to the group, when another 300 "
		"are passed.",
		"yes to be or not to be | head -c 400 | " RUN "build/clients/tv-send --id 123456",
		answer_talk },
	{ "Q23", "packets with messages from the WebSocket server, d = 0",
		"WebSocket runs over the same TCP: the first message leaves at once, the others "
		"together a round trip later; the handshake and a Close frame alone carry no "
		"message.",
		RUN "build/clients/pdc-ws CMD_short:0", answer_ws_packets },
	{ "Q24", "calls of on_message, d = 0",
		"Each message is a frame with its length, so the library calls once for each, "
		"however they were packed; on plain TCP the program itself must find where a "
		"message ends.",
		RUN "build/clients/pdc-ws CMD_short:0", answer_ws_messages },
	{ "Q25", "packets of the flood over WebSocket, and calls of on_message",
		"The library puts the frame together again, however many packets it took; plain "
		"TCP has a recv() for each piece that is there.",
		RUN "build/clients/pdc-ws CMD_floodme", answer_ws_flood },
};

const size_t question_count = sizeof questions / sizeof questions[0];
