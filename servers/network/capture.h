/* Writes every frame of an interface, in both directions, to a file (libpcap; pcap-savefile(5)). */
#ifndef SERVERS_NETWORK_CAPTURE_H
#define SERVERS_NETWORK_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct capture;

/*
 * Opens `interface` in the calling thread's network namespace, creates or empties `path`, and
 * starts a thread that writes. After the return no frame is missed. Each frame is written as soon
 * as it has passed, so another program may follow the file. A pipe must already have a reader. NULL
 * with `err`: STATUS_USAGE when the file cannot be written, else STATUS_FAILED.
 */
struct capture *capture_start(const char *interface, const char *path, struct err *err);

/*
 * Writes the frames that have passed so far, closes the file and frees the capture. False with
 * `err` (STATUS_FAILED): frames are missing. The file could not be written or the kernel's buffer
 * was full (the line says how many frames), or reading the interface failed. Accepts NULL (true).
 */
bool capture_stop(struct capture *capture, struct err *err);

#endif
