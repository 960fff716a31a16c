"""The journal of a `pmulab run` while it runs.

    journal = Journal(user)                          # a named pipe of the user's
    running = spawn_box("--events", journal.path, "--", "bash", user=user)
    journal.wait(event="line")                       # as of a Lab (support/lab.py); the first one
                                                     # from the start on
    journal.wait_all(2, after=event["seq"], event="line")
    journal.events(event="line")                     # what has come so far
"""
import json
import os
import threading

from support.lab import DEADLINE, matches


class Journal:
    def __init__(self, user):
        self.path = user.folder() / "events"
        os.mkfifo(self.path, 0o600)
        user.own(self.path)
        self._events = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with open(self.path, encoding="utf-8") as pipe:  # waits for the lab
            for line in pipe:
                with self._changed:
                    self._events.append(json.loads(line))
                    self._changed.notify_all()

    def events(self, after=0, **fields):
        with self._changed:
            return [event for event in self._events
                    if event["seq"] > after and matches(event, fields)]

    def wait(self, after=0, **fields):
        return self.wait_all(1, after, **fields)[0]

    def wait_all(self, count, after=0, **fields):
        with self._changed:
            self._changed.wait_for(lambda: len(self.events(after, **fields)) >= count, DEADLINE)
            found = self.events(after, **fields)
        assert len(found) >= count, \
            f"fewer than {count} events {fields} after {after}; the last:\n{self._events[-20:]}"
        return found
