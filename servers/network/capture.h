/* Every frame of a wire, both ways, written to a file as it passes (libpcap; pcap-savefile(5)). */
#ifndef SERVERS_NETWORK_CAPTURE_H
#define SERVERS_NETWORK_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct capture;

/*
 * Opens `interface` in the calling thread's network namespace, creates or empties `path`, and
 * writes from a thread of its own: each frame is in the file as soon as it has passed, so a reader
 * may follow it. When this returns, no later frame is missed. A pipe must have its reader already.
 * NULL with `err` on failure: STATUS_USAGE for the file, STATUS_FAILED for the rest.
 */
struct capture *capture_start(const char *interface, const char *path, struct err *err);

/*
 * Writes what has passed until now and closes the file. False with `err` (STATUS_FAILED): some is
 * missing, because the disk was full or the kernel's buffer was (the line says how many frames).
 * Frees it; accepts NULL (true).
 */
bool capture_stop(struct capture *capture, struct err *err);

#endif
