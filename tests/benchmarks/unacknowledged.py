"""A courier that does without acknowledgements; the host gets this very file, for Python 3.6."""

from typing import Any


def without_acknowledgements(courier: Any) -> Any:
    """Make the class from the module ``courier`` of the side where this runs.

    Nothing that was sent is kept, and no acknowledgement is awaited before more is sent. Nor is one
    given for data: only frames without much in them are acknowledged, after a moment, since the
    supervisor waits for that when it ends. Credit of the streams is as usual.
    """

    class Unacknowledged(courier.Courier):  # type: ignore[misc]
        """The ways that differ."""

        def _number(self, kind: int, stream: int, payload: bytes) -> Any:
            frame = courier.Frame(self.supervisor, kind, stream, self._next_seq, payload)
            self._next_seq += 1
            return frame

        def acknowledgement(self, *, hurry: bool) -> Any:
            much = self._unacknowledged_bytes > courier.CHUNK // 4
            number = super().acknowledgement(hurry=hurry)
            return None if much else number

    return Unacknowledged
